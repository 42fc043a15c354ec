"""Artifacts on real sockets: versions by key, large ones, and what is refused."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from antiphon_server.storage import tables
from hand_session import new_id
from in_writer import in_writer
from user_calls import new_version
from world import MISSING, World

Ask = Callable[[World], dict[str, Any]]
INVALID, NOT_FOUND, ABORTED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ABORTED,
)
MOST = 2 * 1024 * 1024


def latest(world: World) -> list[tuple[str, str]]:
    """Key and id of the latest ones."""
    return [(each.key, each.id) for each in world.call("ListLatestArtifacts", {"orderBy": "key"}).artifacts]


def create(world: World, **fields: Any) -> str:
    return str(world.call("CreateArtifact", {"artifact": fields}).artifact.id)


def test_the_one_that_was_created_last_is_the_latest_with_its_key(world: World) -> None:
    assert latest(world) == [("report", world.artifact)]
    second, other = new_version(world), create(world, key="a")
    create(world, data="without a key")
    assert latest(world) == [("a", other), ("report", second)]
    world.call("UpdateArtifact", {"artifact": {"id": world.artifact, "data": "x"}, "updateMask": "data"})
    assert latest(world) == [("a", other), ("report", second)]
    newest_change = world.call("ListArtifacts", {"filter": "key = report", "orderBy": "update_time desc"}).artifacts
    assert [each.id for each in newest_change] == [world.artifact, second]


def test_where_the_latest_is_deleted_the_one_before_is_it_again(world: World) -> None:
    second, third = new_version(world), new_version(world)
    world.call("DeleteArtifact", {"id": second})
    assert latest(world) == [("report", third)]
    before = world.call("GetArtifact", {"id": world.artifact}).artifact
    world.call("DeleteArtifact", {"id": third})
    assert latest(world) == [("report", world.artifact)]
    assert world.call("GetLatestArtifact", {"key": "report"}).artifact == before
    world.call("DeleteArtifact", {"id": world.artifact})
    assert latest(world) == []
    refusal = world.refused("GetLatestArtifact", {"key": "report"})
    assert (refusal.code, refusal.reason) == (NOT_FOUND, "ARTIFACT_NOT_FOUND")
    assert "'report'" in refusal.message


def test_a_filter_chooses_among_the_latest_ones(world: World) -> None:
    new_version(world)
    assert world.call("ListLatestArtifacts", {"filter": "type = markdown"}).artifacts == []
    assert len(world.call("ListLatestArtifacts", {"filter": "type = table"}).artifacts) == 1


def test_artifacts_outlive_their_runs(world: World) -> None:
    world.call("DeleteFlowRun", {"id": world.run})
    (left,) = world.call("ListArtifacts", {"filter": f'flow_run_id = "{world.run}"'}).artifacts
    assert left.id == world.artifact


def test_runs_that_are_not_there_are_taken_at_their_word(world: World) -> None:
    id = create(world, flowRunId=MISSING, taskRunId=MISSING)
    (found,) = world.call("ListArtifacts", {"filter": f'task_run_id = "{MISSING}"'}).artifacts
    assert (found.id, found.flow_run_id) == (id, MISSING)


def test_pages_of_artifacts_without_a_key_come_last_and_go_on_where_they_ended(world: World) -> None:
    made = [create(world, key=key) for key in ("b", "", "a", "")]
    for request in ({"orderBy": "key"}, {"orderBy": "key", "withoutData": True}):
        seen: list[str] = []
        token = ""
        while token or not seen:
            page = world.call("ListArtifacts", {**request, "pageSize": 2, "pageToken": token})
            seen += [each.id for each in page.artifacts]
            token = page.next_page_token
        assert seen == [made[2], made[0], world.artifact, made[1], made[3]]


def test_the_largest_one_is_kept_whole_and_a_larger_one_is_refused(world: World) -> None:
    data = "é" * (MOST // 2)
    id = create(world, data=data)
    assert world.call("GetArtifact", {"id": id}).artifact.data == data
    create(world, data=data)
    page = world.call("ListArtifacts")
    assert (len(page.artifacts), page.next_page_token != "") == (1, True), "a page ends where it gets too large"
    assert len(world.call("ListArtifacts", {"withoutData": True}).artifacts) == 3
    refusal = world.refused("CreateArtifact", {"artifact": {"data": data + "x"}})
    assert (refusal.code, refusal.reason, refusal.fields) == (INVALID, "FIELD_INVALID", ("artifact.data",))
    assert "at most 2097152 bytes" in refusal.message
    update = {"artifact": {"id": id, "data": data + "x"}, "updateMask": "data"}
    assert world.refused("UpdateArtifact", update).fields == ("artifact.data",)


def test_a_request_that_is_sent_again_is_answered_as_before_and_its_data_is_kept_once(world: World) -> None:
    request = {"artifact": {"key": "report", "data": "# Long"}, "requestId": new_id()}
    first = world.call("CreateArtifact", request)
    assert world.call("CreateArtifact", request) == first
    assert first.artifact.data == "# Long"
    change = {"artifact": {"id": first.artifact.id, "data": "# Longer"}, "updateMask": "data", "requestId": new_id()}
    second = world.call("UpdateArtifact", change)
    assert world.call("UpdateArtifact", change) == second
    assert (second.artifact.data, second.artifact.etag) == ("# Longer", "2")
    assert len(world.call("ListArtifacts", {"filter": "key = report"}).artifacts) == 2
    responses = tables.requests.select().with_only_columns(tables.requests.c.response)
    kept = in_writer(world.server, lambda it: it.connection.execute(responses).scalars().all())
    remembered = [response for response in kept if b"report" in response]
    assert len(remembered) == 2
    assert not any(b"# Long" in response for response in remembered)


def refusals() -> list[tuple[Any, ...]]:
    def make(**fields: Any) -> Ask:
        return lambda w: {"artifact": fields}

    def update(paths: str, **fields: Any) -> Ask:
        return lambda w: {"artifact": {"id": w.artifact, **fields}, "updateMask": paths}

    wrong: list[tuple[Ask, str]] = [
        (lambda w: {}, "artifact"),
        *((make(key=key), "artifact.key") for key in ("Report", "a_b", "a b", "é", "a\n", "x" * 501)),
        (make(type="x" * 201), "artifact.type"),
        (make(description="x" * 65537), "artifact.description"),
        (make(metadata={"": "x"}), "artifact.metadata[]"),
        (make(metadata={"a": "x" * 2001}), "artifact.metadata[a]"),
        (make(metadata={str(n): "" for n in range(101)}), "artifact.metadata"),
        (make(flowRunId="no uuid"), "artifact.flow_run_id"),
        (make(taskRunId="no uuid"), "artifact.task_run_id"),
    ]
    return [
        *(("CreateArtifact", ask, INVALID, "FIELD_INVALID", (field,)) for ask, field in wrong),
        ("UpdateArtifact", update(""), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateArtifact", update("key", key="x"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateArtifact", update("data", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
        ("UpdateArtifact", update("data", id=MISSING), NOT_FOUND, "ARTIFACT_NOT_FOUND", ()),
        ("DeleteArtifact", lambda w: {"id": w.artifact, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        ("DeleteArtifact", lambda w: {"id": MISSING}, NOT_FOUND, "ARTIFACT_NOT_FOUND", ()),
        ("GetArtifact", lambda w: {"id": "x"}, INVALID, "FIELD_INVALID", ("id",)),
        ("GetArtifact", lambda w: {"id": MISSING}, NOT_FOUND, "ARTIFACT_NOT_FOUND", ()),
        ("GetLatestArtifact", lambda w: {}, INVALID, "FIELD_INVALID", ("key",)),
        ("ListArtifacts", lambda w: {"filter": "data = x"}, INVALID, "FILTER_INVALID", ("filter",)),
        ("ListArtifacts", lambda w: {"orderBy": "data"}, INVALID, "ORDER_BY_INVALID", ("order_by",)),
    ]


REFUSES = refusals()


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "fields"),
    REFUSES,
    ids=[f"{i}-{row[0]}-{row[3]}" for i, row in enumerate(REFUSES)],
)
def test_it_refuses_what_is_wrong_and_writes_nothing(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, fields: tuple[str, ...]
) -> None:
    request = ask(world)
    before = world.call("ListArtifacts")
    refusal = world.refused(name, request)
    assert (refusal.code, refusal.reason, refusal.fields) == (code, reason, fields), refusal
    assert world.call("ListArtifacts") == before
