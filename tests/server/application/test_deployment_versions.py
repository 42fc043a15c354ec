"""What deployments were: versions, and the way back to them."""

from typing import Any

import pytest

from antiphon_server.application import deployment_versions
from antiphon_server.application.deployment_versions import EMPTY
from antiphon_server.application.deployments import DeleteDeployment, RollBackDeployment, UpdateDeployment
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import deployment_versions as versions
from json_arguments import packed
from writing import Writing, new_deployment, new_id

#: For each field that a version keeps, another value than that of a new deployment.
OTHER: dict[str, Any] = {
    "description": "what it is for",
    "version_name": "1.4",
    "entrypoint": "flows.py:etl",
    "path": "/srv",
    "pull_steps": "[]",
    "parameter_schema": "{}",
    "job_variables": "{}",
    "enforce_parameter_schema": True,
    "parameters": packed(a=1),
    "labels": '{"team": "data"}',
    "worker_affinity": '{"worker": "w"}',
    "tags": '["a"]',
}


def numbers(writing: Writing, id: str) -> list[int]:
    return sorted(row.number for row in writing.rows(versions, deployment_id=id))


def content(writing: Writing, id: str) -> dict[str, Any]:
    """What holds."""
    number = writing.row(tables.deployments, id=id).version_number
    row = writing.row(versions, deployment_id=id, number=number)._mapping
    return {name: row[name] for name in OTHER}


def update(id: str, **values: Any) -> UpdateDeployment:
    return UpdateDeployment(id, "", values)


def refusal(writing: Writing, operation: Any) -> AntiphonError:
    before = writing.everything()
    with pytest.raises(AntiphonError) as refused:
        writing.do(operation)
    assert writing.everything() == before
    return refused.value


def test_the_first_version(writing: Writing) -> None:
    id = writing.do(new_deployment(entrypoint="flows.py:etl", tags='["a"]'))
    row = writing.row(versions)
    assert (row.deployment_id, row.number, row.create_time) == (id, 1, writing.now)
    assert content(writing, id) == {**EMPTY, "entrypoint": "flows.py:etl", "tags": '["a"]'}


def test_all_that_a_version_keeps_is_tried_here() -> None:
    assert OTHER.keys() == {*EMPTY, "tags"}


@pytest.mark.parametrize("name", OTHER)
def test_a_change_of_content_makes_a_version(writing: Writing, name: str) -> None:
    id = writing.do(new_deployment())
    before = content(writing, id)
    writing.now += 1
    writing.do(update(id, **{name: OTHER[name]}))
    assert numbers(writing, id) == [1, 2]
    assert content(writing, id) == {**before, name: OTHER[name]}
    assert writing.row(versions, deployment_id=id, number=2).create_time == writing.now
    first = writing.row(versions, deployment_id=id, number=1)._mapping
    assert {key: first[key] for key in OTHER} == before


def test_what_is_as_it_was_makes_none(writing: Writing) -> None:
    same = {**OTHER, "enforce_parameter_schema": False}
    id = writing.do(new_deployment(**same))
    writing.do(update(id, **same))
    writing.do(update(id, paused=True, name="e", concurrency_limit=3, collision_strategy=2, grace_period=1))
    assert numbers(writing, id) == [1]
    assert writing.row(tables.deployments).version == 3


def test_tags_lie_in_the_deployment_as_well(writing: Writing) -> None:
    id = writing.do(new_deployment(tags='["a"]'))
    writing.do(update(id, tags='["b"]'))
    assert writing.row(tables.deployments).tags == '["b"]'
    writing.do(RollBackDeployment(id, "", 1))
    assert writing.row(tables.deployments).tags == content(writing, id)["tags"] == '["a"]'


def test_a_way_back_is_a_new_version(writing: Writing) -> None:
    id = writing.do(new_deployment(entrypoint="one"))
    writing.do(update(id, entrypoint="two", labels='{"a": "b"}'))
    writing.do(update(id, entrypoint="three"))
    writing.do(RollBackDeployment(id, "3", 1))
    assert numbers(writing, id) == [1, 2, 3, 4]
    assert (content(writing, id)["entrypoint"], content(writing, id)["labels"]) == ("one", "{}")
    assert writing.row(tables.deployments).version == 4


def test_without_a_number_it_is_the_one_before(writing: Writing) -> None:
    id = writing.do(new_deployment(entrypoint="one"))
    writing.do(update(id, entrypoint="two"))
    writing.do(RollBackDeployment(id, "", 0))
    assert (numbers(writing, id), content(writing, id)["entrypoint"]) == ([1, 2, 3], "one")
    # And so it leads back: what a step back has left is the one before.
    writing.do(RollBackDeployment(id, "", 0))
    assert (numbers(writing, id), content(writing, id)["entrypoint"]) == ([1, 2, 3, 4], "two")


def test_back_to_what_holds_changes_nothing_but_the_etag(writing: Writing) -> None:
    id = writing.do(new_deployment())
    writing.do(RollBackDeployment(id, "", 1))
    assert (numbers(writing, id), writing.row(tables.deployments).version) == ([1], 2)


@pytest.mark.parametrize(
    ("number", "etag", "reason", "said"),
    [
        (0, "", "NO_OLDER_VERSION", "deployment 'd' has no version before 1"),
        (2, "", "DEPLOYMENT_VERSION_NOT_FOUND", "has no version 2; ListDeploymentVersions says which it has"),
        (2**63 - 1, "", "DEPLOYMENT_VERSION_NOT_FOUND", "has no version 9223372036854775807"),
        (1, "9", "ETAG_MISMATCH", "its etag is 1, not 9"),
    ],
)
def test_ways_back_that_lead_nowhere(writing: Writing, number: int, etag: str, reason: str, said: str) -> None:
    id = writing.do(new_deployment())
    error = refusal(writing, RollBackDeployment(id, etag, number))
    assert (error.reason, said in error.message) == (reason, True)


def test_there_is_no_way_back_from_a_deletion(writing: Writing) -> None:
    id = writing.do(new_deployment())
    writing.do(update(id, entrypoint="two"))
    writing.do(DeleteDeployment(id, ""))
    assert writing.rows(versions) == []
    assert refusal(writing, RollBackDeployment(id, "", 1)).reason == "DEPLOYMENT_NOT_FOUND"
    assert refusal(writing, RollBackDeployment(new_id(), "", 0)).reason == "DEPLOYMENT_NOT_FOUND"


def test_the_last_ones_are_kept_and_their_numbers_are_given_once(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_versions, "MOST_VERSIONS", 3)
    id, other = writing.do(new_deployment()), writing.do(new_deployment("other"))
    for place in range(5):
        writing.do(update(id, entrypoint=str(place)))
    assert numbers(writing, id) == [4, 5, 6]
    assert numbers(writing, other) == [1]
    assert refusal(writing, RollBackDeployment(id, "", 3)).reason == "DEPLOYMENT_VERSION_NOT_FOUND"
    writing.do(RollBackDeployment(id, "", 4))
    assert (numbers(writing, id), content(writing, id)["entrypoint"]) == ([5, 6, 7], "2")


def test_a_thousand_are_kept() -> None:
    assert deployment_versions.MOST_VERSIONS == 1_000
