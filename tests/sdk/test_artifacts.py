"""Artifacts by the SDK, against a real server."""

import asyncio
import inspect
import json
import logging
import math
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

import antiphon
from antiphon import artifacts, flow, task
from antiphon.artifacts import (
    Artifact,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from antiphon.client.orchestration import AntiphonClient, SyncAntiphonClient, get_client
from antiphon.exceptions import ObjectNotFound
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.v1 import artifact_pb2
from antiphon.v1.artifact_service_pb2 import CreateArtifactRequest, GetArtifactRequest
from kinds import Kind
from running_server import RunningServer
from stored import Stored


@pytest.fixture
def key() -> str:
    """That no artifact has yet."""
    return f"k-{new_id()}"


@pytest.fixture
def kept(stored: Stored) -> Callable[[UUID], artifact_pb2.Artifact]:
    """Reads an artifact as the server has it."""

    def read(id: UUID) -> artifact_pb2.Artifact:
        assert isinstance(id, UUID)
        request = GetArtifactRequest(id=str(id))
        artifact: artifact_pb2.Artifact = stored.client.call(stored.client.artifacts.GetArtifact, request).artifact
        return artifact

    return read


Kept = Callable[[UUID], artifact_pb2.Artifact]


def test_each_kind_as_the_server_has_it(kind: Kind, kept: Kept, key: str) -> None:
    @kind.flow()
    def body() -> Any:
        return [
            (yield create_link_artifact("http://x", "here", key=key, description="d")),
            (yield create_markdown_artifact("# é", key=key)),
            (yield create_table_artifact([{"a": 1, "é": math.nan}, {"a": math.inf}])),
            (yield create_progress_artifact(12.5)),
            (yield create_image_artifact("http://x/y.png")),
        ]

    ids = kind.call(body)
    assert [(each.type, each.data) for each in map(kept, ids)] == [
        ("markdown", "[here](http://x)"),
        ("markdown", "# é"),
        ("table", '[{"a": 1, "é": null}, {"a": null}]'),
        ("progress", "12.5"),
        ("image", "http://x/y.png"),
    ]
    assert [(each.key, each.description) for each in map(kept, ids[:2])] == [(key, "d"), (key, "")]


def test_an_artifact_carries_the_runs_that_made_it(kind: Kind, kept: Kept) -> None:
    seen: dict[str, Any] = {}

    @kind.task()
    def inner() -> Any:
        seen["task"] = antiphon.runtime.task_run.id
        return (yield create_markdown_artifact("in a task"))

    @kind.flow()
    def outer() -> Any:
        seen["flow"] = antiphon.runtime.flow_run.id
        return [(yield create_markdown_artifact("in a flow")), (yield inner())]

    in_flow, in_task = (kept(id) for id in kind.call(outer))
    assert (in_flow.flow_run_id, in_flow.task_run_id) == (seen["flow"], "")
    assert (in_task.flow_run_id, in_task.task_run_id) == (seen["flow"], seen["task"])


def test_a_task_without_a_flow_and_a_flow_in_a_task(kept: Kept) -> None:
    @flow
    def sub() -> tuple[str, UUID]:
        return str(antiphon.runtime.flow_run.id), create_markdown_artifact("in a subflow")

    @task
    def alone() -> tuple[str, UUID, tuple[str, UUID]]:
        return str(antiphon.runtime.task_run.id), create_markdown_artifact("in a task"), sub()

    task_run_id, id, (flow_run_id, below) = alone()
    assert (kept(id).flow_run_id, kept(id).task_run_id) == ("", task_run_id)
    assert (kept(below).flow_run_id, kept(below).task_run_id) == (flow_run_id, "")


@pytest.mark.usefixtures("stored")
def test_outside_of_runs_it_has_none_unless_it_is_told() -> None:
    assert MarkdownArtifact(markdown="x").create().flow_run_id is None
    run = uuid4()
    made = MarkdownArtifact(markdown="x", flow_run_id=run, task_run_id=run, metadata_={"a": "b"}).create()
    assert (made.flow_run_id, made.task_run_id, made.metadata_) == (run, run, {"a": "b"})


def test_the_life_of_a_progress(kind: Kind, kept: Kept) -> None:
    @kind.flow()
    def body() -> Any:
        id = yield create_progress_artifact(0, description="loading")
        assert (yield update_progress_artifact(id, 55.5)) == id
        first = kept(id)
        yield update_progress_artifact(id, 140, description="done")
        return first, kept(id)

    first, second = kind.call(body)
    assert (first.data, first.description) == ("55.5", "loading")
    assert (second.data, second.description) == ("100.0", "done")


def test_a_progress_out_of_range_is_told(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("antiphon.artifacts")
    logger.addHandler(caplog.handler)
    try:
        ProgressArtifact(progress=140).format()
    finally:
        logger.removeHandler(caplog.handler)
    assert "A progress of 140.0 % is taken as 100.0 %" in caplog.text


@pytest.mark.usefixtures("stored")
def test_a_progress_that_is_not_there() -> None:
    with pytest.raises(ObjectNotFound, match="there is no artifact"):
        update_progress_artifact(uuid4(), 5)


@pytest.mark.usefixtures("stored")
def test_get_gives_what_was_written_last(kind: Kind, key: str) -> None:
    @kind.flow()
    def body() -> Any:
        found = [(yield Artifact.get(key))]
        first = yield create_progress_artifact(5, key=key, description="d")
        second = yield create_table_artifact([[1]], key=key)
        found.append((yield MarkdownArtifact.get(key)))
        yield update_progress_artifact(first, 7)
        found.append((yield Artifact.get(key)))
        return found, first, second

    (nothing, newest, changed), first, second = kind.call(body)
    assert nothing is None
    assert (newest.id, newest.type, newest.data, newest.description) == (second, "table", "[[1]]", None)
    assert (changed.id, changed.key, changed.data, changed.description) == (first, key, 7, "d")
    assert changed.created < changed.updated


def test_get_without_a_key_gives_the_newest_of_all(stored: Stored) -> None:
    id = create_markdown_artifact("x")
    newest = Artifact.get()
    assert newest is not None
    assert newest.id == id


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("wrong", ["No key", '" OR key:*', "*", "x" * 501])
def test_with_a_key_that_cannot_be_there_is_nothing(wrong: str) -> None:
    assert Artifact.get(wrong) is None


@pytest.mark.usefixtures("stored")
def test_get_or_create(kind: Kind, key: str) -> None:
    @kind.flow()
    def body() -> Any:
        made = yield MarkdownArtifact.get_or_create(key, description="d", markdown="one")
        found = yield MarkdownArtifact.get_or_create(key, description="e", markdown="two")
        without_key = yield Artifact.get_or_create(type="x", data={"a": 1})
        return made, found, without_key

    made, found, (third, created) = kind.call(body)
    assert (made[0].data, made[0].description, made[1]) == ("one", "d", True)
    assert found == (made[0], False)
    assert (third.type, third.data, created) == ("x", '{"a": 1}', True)


@pytest.mark.usefixtures("stored")
def test_twins_give_coroutines_in_any_code(key: str) -> None:
    calls = [
        artifacts.acreate_link_artifact("x"),
        artifacts.acreate_markdown_artifact("x"),
        artifacts.acreate_table_artifact({"a": [1]}),
        artifacts.acreate_image_artifact("x"),
        artifacts.acreate_progress_artifact(5),
        artifacts.aupdate_progress_artifact(create_progress_artifact(1), 5),
        MarkdownArtifact(markdown="x").acreate(),
        MarkdownArtifact(markdown="x").aformat(),
        Artifact.aget(key),
        MarkdownArtifact.aget_or_create(key, markdown="x"),
    ]
    for call in calls:
        assert inspect.iscoroutine(call)
        asyncio.run(call)


@pytest.mark.parametrize(
    ("artifact", "shown"),
    [
        (Artifact(data={"a": [1, None]}), '{"a": [1, null]}'),
        (Artifact(data="text"), '"text"'),
        (Artifact(), "null"),
        (LinkArtifact(link="http://x", link_text="t"), "[t](http://x)"),
        (LinkArtifact(link="http://x"), "[http://x](http://x)"),
        (MarkdownArtifact(markdown="# x"), "# x"),
        (TableArtifact(table={"a": [1, None]}), '{"a": [1, null]}'),
        (TableArtifact(table=[(1, math.nan)]), "[[1, null]]"),  # type: ignore[list-item]
        (ProgressArtifact(progress=-3), 0),
        (ProgressArtifact(progress="50"), 50),  # type: ignore[arg-type]
        (ImageArtifact(image_url="http://x"), "http://x"),
    ],
)
def test_format(artifact: Artifact, shown: Any) -> None:
    assert artifact.format() == shown
    assert asyncio.run(artifact.aformat()) == shown

    async def in_a_loop() -> Any:
        return await artifact.format()

    assert asyncio.run(in_a_loop()) == shown


class Steps(Artifact):
    """A user's own kind."""

    steps: list[str]
    type: str | None = "steps"

    def format(self) -> Any:
        return {"steps": self.steps}


def test_users_have_kinds_of_their_own(kept: Kept) -> None:
    made = Steps(steps=["a"]).create()
    assert (made.type, made.data) == ("steps", '{"steps": ["a"]}')
    assert kept(made.id).data == '{"steps": ["a"]}'
    assert asyncio.run(Steps(steps=["b"]).acreate()).data == '{"steps": ["b"]}'


@pytest.mark.usefixtures("stored")
def test_wrong_keys() -> None:
    for wrong in ("Report", "a_b", "a b", "é", "x" * 501):
        with pytest.raises(ValueError, match="lowercase letters, digits and dashes, such as sales-report"):
            create_markdown_artifact("x", key=wrong)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: create_table_artifact("x"), ValidationError, "TableArtifact"),  # type: ignore[arg-type]
        (lambda: create_table_artifact([{"day": date(2026, 1, 1)}]), TypeError, r"date is not JSON.*str\(cell\)"),
        (lambda: create_progress_artifact(math.nan), ValueError, "NaN is none"),
        (lambda: create_progress_artifact("half"), ValidationError, "progress"),  # type: ignore[arg-type]
        (lambda: MarkdownArtifact(markdown="x", colour="red"), ValidationError, "colour"),  # type: ignore[call-arg]
        (
            lambda: create_markdown_artifact("é" * (1024 * 1024 + 1)),
            ValueError,
            "2,097,152 bytes, and this has 2,097,154",
        ),
        (lambda: create_markdown_artifact("x", description="x" * 65537), ValueError, "description .* 65,536 bytes"),
        (lambda: Steps(steps=[object()]).create(), ValidationError, "steps"),  # type: ignore[list-item]
    ],
)
def test_wrong_use(call: Callable[[], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_the_largest_data_goes_through(kept: Kept) -> None:
    text = "x" * (2 * 1024 * 1024)
    assert kept(create_markdown_artifact(text)).data == text


def test_text_that_utf8_cannot_say_is_written_as_an_escape(kept: Kept) -> None:
    assert kept(create_markdown_artifact("a\ud800")).data == "a\\ud800"


@pytest.mark.usefixtures("stored")
def test_a_client_chooses_the_server(tmp_path: Any, key: str) -> None:
    with RunningServer(tmp_path) as other, ServiceClient(other.target) as client:
        create_link_artifact("http://x", key=key, client=client)
        assert Artifact.get(key) is None
        assert Artifact.get(key, client=client) is not None


@pytest.mark.parametrize("kind", [AntiphonClient, SyncAntiphonClient])
@pytest.mark.usefixtures("stored")
def test_a_public_client_chooses_the_server(tmp_path: Any, key: str, kind: Any) -> None:
    with RunningServer(tmp_path) as other, ServiceClient(other.target) as services:
        client = kind(other.target)
        create_link_artifact("http://x", key=key, client=client)
        assert Artifact.get(key) is None
        assert Artifact.get(key, client=services) == Artifact.get(key, client=client) is not None
        assert Artifact.get(key, client=get_client()) is None
        client.service_client().close()


@pytest.mark.usefixtures("stored")
def test_what_is_no_client_is_refused(key: str) -> None:
    with pytest.raises(TypeError, match=r"client is what antiphon.get_client\(\) gives, not str"):
        create_link_artifact("http://x", key=key, client="127.0.0.1:4200")  # type: ignore[arg-type]


def test_progress_by_others_is_shown_as_they_wrote_it(stored: Stored, key: str) -> None:
    wanted = artifact_pb2.Artifact(key=key, type="progress", data="half")
    stored.client.call(stored.client.artifacts.CreateArtifact, CreateArtifactRequest(artifact=wanted))
    found = Artifact.get(key)
    assert found is not None
    assert found.data == "half"


def test_a_table_is_json_for_others(kept: Kept) -> None:
    assert json.loads(kept(create_table_artifact([{"a": 1}])).data) == [{"a": 1}]


def test_what_the_module_offers() -> None:
    assert antiphon.artifacts is artifacts
    for name in artifacts.__all__:
        if name.startswith("acreate") or name.startswith("aupdate"):
            ours, twin = getattr(artifacts, name[1:]), getattr(artifacts, name)
            assert inspect.signature(ours).parameters == inspect.signature(twin).parameters
            assert twin.__name__ == name
