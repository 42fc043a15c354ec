"""Following a flow run: snapshot, mark, every change, and going on after a cut."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1 import flow_run_service_pb2_grpc, state_pb2
from antiphon_server.application.core import Changes
from antiphon_server.domain.model import RunKind
from antiphon_server.rpc.change_log import ChangeLog
from antiphon_server.rpc.watching import Watches
from hand_session import HandSession, new_id
from refusals import refusal_of
from running_server import RunningServer
from stores import only_sqlite
from world import MISSING, World

Attach = Callable[..., HandSession]


class Watch:
    """One call, with the messages that were read so far."""

    def __init__(self, server: RunningServer, id: str, cursor: str = "") -> None:
        stub = flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)
        self.call = stub.WatchFlowRun(pb.WatchFlowRunRequest(id=id, resume_cursor=cursor), timeout=60)
        self.cursor = ""
        self.goes_on = bool(cursor)

    def next(self) -> tuple[str, str]:
        """What came, as (name or key, state)."""
        return self.said(next(self.call))

    def said(self, message: pb.WatchFlowRunResponse) -> tuple[str, str]:
        kind = message.WhichOneof("event")
        # None in a snapshot: one that is cut is begun anew.
        assert bool(message.cursor) == bool(self.cursor or kind == "snapshot_mark" or self.goes_on)
        self.cursor = message.cursor
        if kind == "flow_run":
            return "flow run", message.flow_run.state.name
        return (message.task_run.name, message.task_run.state.name) if kind == "task_run" else ("mark", "")

    def until(self, last: tuple[str, str]) -> list[tuple[str, str]]:
        seen = [self.next()]
        while seen[-1] != last:
            seen.append(self.next())
        return seen

    def rest(self) -> list[tuple[str, str]]:
        """All until the call ends in peace."""
        return [self.said(message) for message in self.call]

    def error(self) -> Any:
        with pytest.raises(grpc.RpcError) as ended:
            self.rest()
        return refusal_of(ended.value)


@pytest.fixture
def watch(server: RunningServer) -> Iterator[Callable[..., Watch]]:
    opened: list[Watch] = []

    def open_one(id: str, cursor: str = "") -> Watch:
        opened.append(Watch(server, id, cursor))
        return opened[-1]

    yield open_one
    for each in opened:
        each.call.cancel()


MARK = ("mark", "")


def test_first_a_snapshot_then_a_mark_then_changes_until_the_end(attach: Attach, watch: Callable[..., Watch]) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    old = session.create_task_run(run, dynamic_key="old")
    session.propose(old, "COMPLETED", task=True)
    watched = watch(run)
    assert watched.until(MARK) == [("t-old", "Completed"), ("flow run", "Running"), MARK]
    new = session.create_task_run(run, dynamic_key="new")
    session.propose(new, "RUNNING", task=True)
    assert ("t-new", "Running") in watched.until(("t-new", "Running"))
    session.propose(new, "COMPLETED", task=True)
    session.propose(run, "COMPLETED")
    assert watched.rest()[-2:] == [("t-new", "Completed"), ("flow run", "Completed")]


def test_a_run_that_has_ended_is_a_snapshot_and_no_more(world: World, watch: Callable[..., Watch]) -> None:
    world.propose(world.run, "COMPLETED")
    assert watch(world.run.upper()).rest() == [("clean", "Pending"), ("flow run", "Completed"), MARK]


def test_a_large_snapshot_is_whole(attach: Attach, watch: Callable[..., Watch]) -> None:
    session = attach()
    run = session.create_flow_run()
    for i in range(1005):
        session.create_task_run(run, dynamic_key=f"{i:04}")
    session.acked(session.sequence)
    seen = watch(run).until(MARK)
    assert [name for name, _ in seen[:-2]] == [f"t-{i:04}" for i in range(1005)]


def test_other_runs_are_not_told(attach: Attach, watch: Callable[..., Watch]) -> None:
    session = attach()
    run, other = session.create_flow_run(), session.create_flow_run()
    session.acked(session.sequence)
    watched = watch(run)
    watched.until(MARK)
    session.propose(session.create_task_run(other, dynamic_key="other"), "RUNNING", task=True)
    session.propose(other, "COMPLETED")
    session.propose(run, "COMPLETED")
    assert watched.rest() == [("flow run", "Completed")]


def test_after_a_cut_it_goes_on_without_a_snapshot(attach: Attach, watch: Callable[..., Watch]) -> None:
    session = attach()
    run = session.create_flow_run()
    known, moved = (session.create_task_run(run, dynamic_key=key) for key in ("known", "moved"))
    session.propose(known, "PENDING", task=True)
    first = watch(run)
    first.until(MARK)
    first.call.cancel()
    session.propose(moved, "PENDING", task=True)
    again = watch(run, first.cursor)
    assert again.until(("flow run", "")) == [("t-moved", "Pending"), ("flow run", "")]
    session.propose(moved, "FAILED", task=True)
    assert again.next() == ("t-moved", "Failed")


def test_after_a_cut_that_lasted_beyond_the_end_nothing_is_missed(attach: Attach, watch: Callable[..., Watch]) -> None:
    session = attach()
    run = session.create_flow_run()
    task = session.create_task_run(run)
    session.acked(session.sequence)
    first = watch(run)
    first.until(MARK)
    first.call.cancel()
    session.propose(task, "COMPLETED", task=True)
    session.propose(run, "COMPLETED")
    assert watch(run, first.cursor).rest() == [("t", "Completed"), ("flow run", "Completed")]


def test_many_watch_one_run(attach: Attach, watch: Callable[..., Watch]) -> None:
    session = attach()
    run = session.create_flow_run()
    session.acked(session.sequence)
    watches = [watch(run) for _ in range(20)]
    for each in watches:
        each.until(MARK)
    session.propose(run, "COMPLETED")
    assert [each.rest() for each in watches] == [[("flow run", "Completed")]] * 20


def test_a_run_that_is_deleted_ends_its_watch(world: World, watch: Callable[..., Watch]) -> None:
    watched = watch(world.run)
    watched.until(MARK)
    world.call("DeleteFlowRun", {"id": world.run})
    refusal = watched.error()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "FLOW_RUN_NOT_FOUND")
    assert watch(MISSING).error().reason == "FLOW_RUN_NOT_FOUND"


def test_a_task_run_that_is_deleted_is_passed_over(world: World, watch: Callable[..., Watch]) -> None:
    watched = watch(world.run)
    watched.until(MARK)
    world.call("DeleteTaskRun", {"id": world.task})
    world.propose(world.run, "COMPLETED")
    assert watched.rest() == [("flow run", "Completed")]


@pytest.mark.parametrize(
    ("cursor", "code", "reason"),
    [
        ("nonsense", grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID"),
        ("abc:-1", grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID"),
        ("abc:²", grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID"),
        ("abcdef012345:1", grpc.StatusCode.OUT_OF_RANGE, "CURSOR_TOO_OLD"),
        ("x" * 201, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"),
    ],
)
def test_cursors_that_lead_nowhere(
    world: World, watch: Callable[..., Watch], cursor: str, code: grpc.StatusCode, reason: str
) -> None:
    refusal = watch(world.run, cursor).error()
    assert (refusal.code, refusal.reason) == (code, reason)


# On PostgreSQL what changed is kept in the database: see replicas/.
@only_sqlite
def test_a_cursor_of_the_process_before_is_too_old(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        world = World(server)
        world.fill()
        first = Watch(server, world.run)
        first.until(MARK)
        first.call.cancel()
    with RunningServer(tmp_path) as server:
        refusal = Watch(server, world.run, first.cursor).error()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_TOO_OLD")


def changed(*runs: tuple[RunKind, str], of: str = "flow") -> Changes:
    return Changes(runs=dict.fromkeys(runs, of))


class LateReads:
    """Readers that see the run's end before the log has heard of it, as may happen by a hair's breadth."""

    def __init__(self, log: ChangeLog) -> None:
        self.log = log
        self.ended = False

    async def get_flow_run(self, request: pb.GetFlowRunRequest) -> pb.GetFlowRunResponse:
        response = pb.GetFlowRunResponse()
        response.flow_run.state.type = state_pb2.STATE_TYPE_COMPLETED if self.ended else state_pb2.STATE_TYPE_RUNNING
        return response

    async def get_task_run(self, request: Any) -> Any:
        response = pb.WatchFlowRunResponse()
        response.task_run.id = request.id
        return response

    async def list_task_runs(self, request: Any) -> Any:
        class Page:
            task_runs: tuple[()] = ()
            next_page_token = ""

        return Page()


def test_what_task_runs_did_comes_before_the_end_however_fast_it_came() -> None:
    sent: list[str] = []

    async def follow() -> None:
        log = ChangeLog()
        reads = LateReads(log)

        async def settle() -> None:
            log.note(changed((RunKind.TASK_RUN, "last"), (RunKind.FLOW_RUN, "flow")))

        async def send(message: pb.WatchFlowRunResponse) -> None:
            kind = message.WhichOneof("event")
            sent.append(message.task_run.id if kind == "task_run" else str(kind))
            if kind == "snapshot_mark":
                # One change of the run is heard, and by the time it is read the run has ended.
                reads.ended = True
                log.note(changed((RunKind.FLOW_RUN, "flow")))

        watches = Watches(reads, log, settle)  # type: ignore[arg-type]
        await watches.flow_run(pb.WatchFlowRunRequest(id="flow"), send)

    asyncio.run(follow())
    assert sent == ["flow_run", "snapshot_mark", "last", "flow_run"]


def test_a_watch_of_a_server_that_stops_is_told_so(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        session = HandSession(server.channel)
        run = session.create_flow_run(id=new_id())
        session.acked(session.sequence)
        watched = Watch(server, run)
        watched.until(MARK)
        server.run(server.server.stop)
        refusal = watched.error()
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
        session.cut()
