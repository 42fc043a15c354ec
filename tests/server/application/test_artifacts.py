"""Artifacts in the writer's transactions: whatever is made and deleted, one row a key is the latest."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.application.artifacts import CreateArtifact, DeleteArtifact, UpdateArtifact
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.user_tables import artifacts
from effort import examples
from stores import database_for
from writing import Writing

FIELDS: dict[str, Any] = {"type": "", "description": "", "data": "", "metadata": "{}"}


def artifact(key: str | None) -> CreateArtifact:
    return CreateArtifact({**FIELDS, "key": key, "flow_run_id": None, "task_run_id": None})


def latest(writing: Writing) -> dict[str, str]:
    return {row.latest_key: row.id for row in writing.rows(artifacts) if row.latest_key is not None}


def test_a_batch_sees_its_own_artifacts(writing: Writing) -> None:
    first, second, alone = writing.together(artifact("a"), artifact("a"), artifact(None))
    assert latest(writing) == {"a": second}
    writing.together(DeleteArtifact(second, ""), DeleteArtifact(alone, ""), artifact("b"))
    assert latest(writing)["a"] == first


def test_a_new_latest_one_keeps_its_etag(writing: Writing) -> None:
    first, second = writing.do(artifact("a")), writing.do(artifact("a"))
    before = writing.row(artifacts, id=first)
    writing.do(DeleteArtifact(second, "1"))
    after = writing.row(artifacts, id=first)
    assert (after.version, after.update_time) == (before.version, before.update_time)
    writing.do(UpdateArtifact(first, "1", {"data": "x"}))
    assert writing.row(artifacts, id=first).version == 2


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writing]:
    """A database for all examples."""
    engine = database_for(tmp_path_factory.mktemp("artifacts") / "antiphon.db").writer_engine()
    prepare(engine)
    yield Writing(engine)
    engine.dispose()


@examples(25)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 5), st.booleans()), max_size=20))
def test_the_latest_is_the_newest_that_is_left(shared: Writing, steps: list[tuple[str | None, int, bool]]) -> None:
    writing = shared
    for row in writing.rows(artifacts):
        writing.do(DeleteArtifact(row.id, ""))
    left: list[tuple[str | None, str]] = []
    for key, place, makes in steps:
        if makes or not left:
            left.append((key, writing.do(artifact(key))))
        else:
            writing.do(DeleteArtifact(left.pop(place % len(left))[1], ""))
        assert latest(writing) == {key: id for key, id in left if key is not None}
