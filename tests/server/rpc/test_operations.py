"""Long-running operations over a real server: started, counted, followed, stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.v1 import operation_pb2, operation_service_pb2_grpc
from antiphon.v1 import operation_service_pb2 as pb
from antiphon_server.application import bulk
from antiphon_server.application.bulk import CHUNK, StartBulk
from antiphon_server.domain.bulk import BulkVerb
from hand_session import HandSession, new_id
from held_operations import hold_operations
from in_writer import in_writer
from refusals import refusal_of
from running_server import RunningServer
from world import MISSING, World
from writing import flow_run

RUNNING, SUCCEEDED, CANCELLED = (
    operation_pb2.OPERATION_STATE_RUNNING,
    operation_pb2.OPERATION_STATE_SUCCEEDED,
    operation_pb2.OPERATION_STATE_CANCELLED,
)


@pytest.fixture(autouse=True)
def no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not cut the chunks of a test."""
    monkeypatch.setattr(bulk, "BUDGET", 3600.0)


def fill(server: RunningServer, count: int, **body: Any) -> None:
    """Makes so many runs in one transaction."""
    runs = [flow_run(**body) for _ in range(count)]

    def make(working_set: Any) -> None:
        for each in runs:
            each.apply(working_set)

    in_writer(server, make)


def watch(server: RunningServer, id: str) -> Any:
    stub = operation_service_pb2_grpc.OperationServiceStub(server.channel)
    return stub.WatchOperation(pb.WatchOperationRequest(id=id), timeout=60)


def test_a_dry_run_counts_and_starts_nothing(world: World) -> None:
    fill(world.server, 5, name="many", tags=["t"])
    request = {"filter": 'tags:"t" AND flow_name = flow', "dryRun": True, "requestId": new_id()}
    operation = world.call("BulkDeleteFlowRuns", request).operation
    assert (operation.id, operation.state, operation.verb) == ("", 0, operation_pb2.OPERATION_VERB_DELETE)
    assert (operation.total_count, operation.filter) == (5, request["filter"])
    assert not world.call("ListOperations").operations
    # It is not the answer to the same request in earnest.
    started = world.call("BulkDeleteFlowRuns", {**request, "dryRun": False}).operation
    assert world.ended(started.id).succeeded_count == 5
    assert world.call("BulkDeleteFlowRuns", {"all": True, "dryRun": True}).operation.total_count == 1


def test_a_request_sent_again_starts_nothing_new(world: World) -> None:
    request = {"filter": "name = one", "requestId": new_id()}
    first = world.call("BulkCancelFlowRuns", request)
    assert world.ended(first.operation.id).succeeded_count == 1
    assert world.call("BulkCancelFlowRuns", request) == first
    assert [each.id for each in world.call("ListOperations").operations] == [first.operation.id]
    other = world.refused("BulkCancelFlowRuns", {**request, "filter": "name = two"})
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_what_the_clock_calls_the_future_is_left_alone(world: World) -> None:
    fill(world.server, 3, name="later")
    world.server.clock.advance(-3600)
    for dry in (True, False):
        operation = world.call("BulkCancelFlowRuns", {"all": True, "dryRun": dry}).operation
        assert operation.total_count == 0
    assert world.ended(operation.id).done_count == 0


def test_who_follows_sees_progress_that_only_rises_up_to_the_end(world: World) -> None:
    fill(world.server, 10 * CHUNK, name="many")
    id = world.call("BulkCancelFlowRuns", {"filter": "name = many"}).operation.id
    seen = [message.operation for message in watch(world.server, id)]
    done = [each.done_count for each in seen]
    assert done == sorted(done)
    assert [each.state for each in seen] == [RUNNING] * (len(seen) - 1) + [SUCCEEDED]
    assert (seen[-1].total_count, seen[-1].succeeded_count) == (10 * CHUNK, 10 * CHUNK)
    assert seen[-1].HasField("end_time")
    assert not world.call("ListFlowRuns", {"filter": "name = many AND state.type != CANCELLED"}).flow_runs


def test_what_has_ended_is_told_once(world: World) -> None:
    operation = world.operation()
    assert [message.operation for message in watch(world.server, operation.id.upper())] == [operation]


def test_nothing_can_be_followed_that_is_not_there(world: World) -> None:
    for id, code, reason in (
        (MISSING, grpc.StatusCode.NOT_FOUND, "OPERATION_NOT_FOUND"),
        ("x", grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"),
    ):
        with pytest.raises(grpc.RpcError) as ended:
            list(watch(world.server, id))
        refusal = refusal_of(ended.value)
        assert (refusal.code, refusal.reason) == (code, reason)


def test_one_that_is_stopped_stops_and_who_follows_hears_of_it(world: World) -> None:
    fill(world.server, 4 * CHUNK, name="many")
    go_on = hold_operations(world.server, 2)
    id = world.call("BulkCancelFlowRuns", {"filter": "name = many"}).operation.id
    following = watch(world.server, id)
    assert next(following).operation.state == RUNNING
    while next(following).operation.done_count < 2 * CHUNK:
        continue
    stopped = world.call("CancelOperation", {"id": id}).operation
    assert (stopped.state, stopped.done_count) == (CANCELLED, 2 * CHUNK)
    go_on()
    left = world.call("BulkDeleteFlowRuns", {"filter": "name = many AND NOT state.type:*", "dryRun": True}).operation
    assert left.total_count == 2 * CHUNK
    assert [message.operation for message in following][-1] == stopped
    assert world.call("CancelOperation", {"id": id}).operation == stopped, "asked again it is left so"
    assert world.call("GetOperation", {"id": id}).operation == stopped


def test_sessions_hear_that_their_runs_are_to_stop(world: World) -> None:
    session = HandSession(world.server.channel)
    run = session.create_flow_run(name="held")
    session.propose(run, "RUNNING")
    operation = world.call("BulkCancelFlowRuns", {"filter": "name = held", "reason": "enough"}).operation
    command = session.next("command").command
    assert (command.cancel_run.flow_run_id, command.cancel_run.reason) == (run, "enough")
    assert world.ended(operation.id).succeeded_count == 1
    session.cut()


def test_what_refuses_is_told_with_the_rule_that_did(world: World) -> None:
    world.propose(world.run, "FAILED")
    operation = world.ended(world.call("BulkRetryFlowRuns", {"all": True}).operation.id)
    assert (operation.state, operation.failed_count) == (SUCCEEDED, 1)
    (failure,) = operation.failures
    assert (failure.flow_run_id, failure.reason) == (world.run, "RerunAfterEnd")
    assert "has no deployment" in failure.message


def test_one_that_cannot_go_on_says_why(world: World) -> None:
    # As an operation of another release whose filters know more.
    start = StartBulk(new_id(), BulkVerb.CANCEL, "size > 3", 0)
    id = in_writer(world.server, start.apply)
    operation = world.ended(id)
    assert operation.state == operation_pb2.OPERATION_STATE_FAILED
    assert operation.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert "size" in operation.error.message


def test_lists_are_newest_first_and_can_be_narrowed(world: World) -> None:
    ids = [world.operation().id for _ in range(3)]
    world.ended(world.call("BulkRetryFlowRuns", {"all": True}).operation.id)
    cancels = "verb = OPERATION_VERB_CANCEL AND state = SUCCEEDED"
    page = world.call("ListOperations", {"filter": cancels, "pageSize": 2})
    rest = world.call("ListOperations", {"filter": cancels, "pageSize": 2, "pageToken": page.next_page_token})
    assert [each.id for each in (*page.operations, *rest.operations)] == ids[::-1]
    assert not rest.next_page_token
    other = world.refused("ListOperations", {"filter": "", "pageToken": page.next_page_token})
    assert other.reason == "PAGE_TOKEN_INVALID"


def test_the_data_of_a_proposed_state_is_written_and_not_shown(world: World) -> None:
    data = {"metadata": {"encoding": "json/plain"}, "data": "e30="}
    state = {"type": "STATE_TYPE_COMPLETED", "data": data, "id": MISSING}
    operation = world.call("BulkSetFlowRunState", {"all": True, "state": state}).operation
    assert (operation.proposed_state.name, operation.proposed_state.id) == ("Completed", "")
    assert not operation.proposed_state.HasField("data")
    world.ended(operation.id)
    assert world.call("GetFlowRun", {"id": world.run}).flow_run.state.data.data == b"{}"


def test_forgotten_a_week_after_the_end(world: World) -> None:
    server = world.server
    id = world.operation().id
    server.clock.advance(7 * 24 * 3600 - 60)
    server.run(server.server.sweeper.sweep)
    assert world.call("GetOperation", {"id": id}).operation.id == id
    server.clock.advance(120)
    server.run(server.server.sweeper.sweep)
    assert world.refused("GetOperation", {"id": id}).reason == "OPERATION_NOT_FOUND"


@pytest.fixture
def long_one(tmp_path: Path) -> Iterator[tuple[RunningServer, str]]:
    """A server whose operation is far from its end as it stops."""
    with RunningServer(tmp_path) as server:
        fill(server, 4 * CHUNK, name="many")
        hold_operations(server, 1)
        yield server, World(server).call("BulkCancelFlowRuns", {"all": True}).operation.id


def test_a_server_that_stops_says_so_and_the_next_one_goes_on(long_one: tuple[RunningServer, str]) -> None:
    server, id = long_one
    following = watch(server, id)
    assert next(following).operation.state == RUNNING
    server.run(server.server.stop)
    with pytest.raises(grpc.RpcError) as ended:
        list(following)
    refusal = refusal_of(ended.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
    with RunningServer(server.socket.parent) as after:
        operation = World(after).ended(id)
        assert (operation.state, operation.succeeded_count) == (SUCCEEDED, 4 * CHUNK)
