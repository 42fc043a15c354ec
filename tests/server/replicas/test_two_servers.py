"""What one server does is heard at the others of its database, and any client may go to any of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.v1 import admin_service_pb2, flow_run_service_pb2_grpc, state_pb2
from antiphon.v1 import flow_run_service_pb2 as pb
from hand_session import HandSession, end_of
from hand_worker import HandWorker
from replicas import replicas
from running_server import RunningServer
from until import until
from world import World

Servers = Sequence[RunningServer]
PATIENCE = 30.0


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with replicas(tmp_path) as both:
        yield both


@pytest.fixture
def attach() -> Iterator[Callable[..., HandSession]]:
    opened: list[HandSession] = []

    def open_one(server: RunningServer, resume_token: str = "") -> HandSession:
        opened.append(HandSession(server.channel, resume_token))
        return opened[-1]

    yield open_one
    for session in opened:
        session.cut()


def call(server: RunningServer, method: str, /, **request: Any) -> Any:
    return World(server).call(method, request)


def in_a_moment(server: RunningServer, seconds: float) -> state_pb2.StateDetails:
    """A state's time, by the clock that all servers have."""
    due = server.server.core.clock() + round(seconds * 1e6)
    return state_pb2.StateDetails(scheduled_time=Timestamp(seconds=due // 10**6, nanos=due % 10**6 * 1000))


def test_what_one_wrote_the_other_reads(servers: Servers, attach: Any) -> None:
    one, two = servers
    session = attach(one)
    run = session.create_flow_run()
    session.acked(session.sequence)
    assert call(two, "GetFlowRun", id=run).flow_run.id == run


def test_a_session_goes_on_at_the_other_server_and_its_old_stream_ends(servers: Servers, attach: Any) -> None:
    one, two = servers
    first = attach(one)
    run = first.create_flow_run()
    first.propose(run, "RUNNING")
    second = attach(two, first.welcome.resume_token)
    assert second.welcome.session_id == first.welcome.session_id
    assert second.welcome.committed_sequence == first.sequence
    assert end_of(first).reason == "SESSION_SUPERSEDED"
    second.propose(run, "COMPLETED")
    assert call(one, "GetFlowRun", id=run).flow_run.state.name == "Completed"


def test_a_command_reaches_a_session_at_the_other_server_once(servers: Servers, attach: Any) -> None:
    one, two = servers
    session = attach(one)
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    call(two, "CancelFlowRun", id=run)
    assert session.next("command").command.cancel_run.flow_run_id == run
    # At the other one it is read on attaching.
    again = attach(two, session.welcome.resume_token)
    assert again.next("command").command.cancel_run.flow_run_id == run


def test_a_verdict_that_another_server_gave_is_pushed(servers: Servers, attach: Any) -> None:
    """One waits for a slot at one server, which is freed at the other."""
    one, two = servers
    call(two, "CreateConcurrencyLimit", concurrencyLimit={"name": "tag:scarce", "limit": 1})
    holder, waiter = attach(two), attach(one)
    flow_run = waiter.create_flow_run()
    waiter.propose(flow_run, "RUNNING")
    held = holder.create_task_run(flow_run, tags=["scarce"])
    holder.propose(held, "RUNNING", task=True)
    wanted = waiter.create_task_run(flow_run, tags=["scarce"])
    assert "WAIT" in str(waiter.propose(wanted, "RUNNING", task=True))
    asked = waiter.sequence
    holder.propose(held, "COMPLETED", task=True)
    assert waiter.answer(asked).state.name == "Running"


def test_a_wait_goes_on_at_the_other_server_when_its_own_dies(tmp_path: Path, attach: Any) -> None:
    with replicas(tmp_path, 2) as (one, two):
        session = attach(one)
        run = session.create_flow_run()
        session.propose(run, "SCHEDULED", state={"details": in_a_moment(one, 3.0)})
        session.propose(run, "PENDING")
        assert "WAIT" in str(session.propose(run, "RUNNING"))
        again = attach(two, session.welcome.resume_token)
        # Nobody there asked; whoever leads ends what is overdue.
        assert again.answer(session.sequence).state.name == "Running"


def test_a_lease_is_given_by_another_server(servers: Servers) -> None:
    one, two = servers
    call(one, "CreateConcurrencyLimit", concurrencyLimit={"name": "db", "limit": 1})
    lease = call(two, "AcquireSlots", names=["db"]).lease
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(call, one, "AcquireSlots", names=["db"], waitTimeout="30s")
        until(lambda: len(call(two, "ListSlotWaiters", name="db").slot_waiters) == 1, PATIENCE)
        call(two, "ReleaseSlots", leaseId=lease.id)
        assert asked.result(PATIENCE).lease.names == ["db"]


def test_who_waits_for_a_run_at_one_server_hears_of_its_end_at_the_other(servers: Servers, attach: Any) -> None:
    one, two = servers
    session = attach(one)
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, two, "AwaitFlowRun", id=run, waitTimeout="60s")
        session.propose(run, "COMPLETED")
        assert waiting.result(PATIENCE).flow_run.state.name == "Completed"


def test_a_watch_goes_on_at_the_other_server_by_its_cursor(servers: Servers, attach: Any) -> None:
    one, two = servers
    session = attach(one)
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    request = pb.WatchFlowRunRequest(id=run)
    watch = flow_run_service_pb2_grpc.FlowRunServiceStub(one.channel).WatchFlowRun(request, timeout=60)
    cursor = next(message.cursor for message in watch if message.cursor)
    watch.cancel()
    # Between the two watches, at the server that nobody watched yet.
    made = [session.create_task_run(run) for _ in range(3)]
    session.acked(session.sequence)
    request.resume_cursor = cursor
    resumed = flow_run_service_pb2_grpc.FlowRunServiceStub(two.channel).WatchFlowRun(request, timeout=60)
    session.propose(run, "COMPLETED")
    told = list(resumed)
    assert {message.task_run.id for message in told if message.HasField("task_run")} == set(made)
    assert told[-1].flow_run.state.name == "Completed"


def test_one_leads_each_service_and_another_takes_over_at_once(tmp_path: Path) -> None:
    with replicas(tmp_path, 3) as servers:
        leaders = [_led(server) for server in servers]
        assert set().union(*leaders) == leaders[0] and not (leaders[1] or leaders[2])
        first, *others = servers
        first.run(first.server.stop)
        # Not after its lease: it said that it goes.
        until(lambda: sum(len(_led(server)) for server in others) == len(leaders[0]), 5.0)


def _led(server: RunningServer) -> set[str]:
    services = call(server, "ListServices").services
    return {service.name for service in services if service.state != admin_service_pb2.BACKGROUND_SERVICE_STATE_STANDBY}


def test_a_worker_that_comes_back_at_the_other_server_gets_its_name_once_that_is_not_in_doubt(servers: Servers) -> None:
    """Its first life was cut before it knew its session, or killed: only the server that it was at sees that."""
    one, two = servers
    call(one, "CreateWorkPool", workPool={"name": "p", "type": "process"})
    hello = {"name": "w", "work_pool_name": "p"}
    first = HandWorker(one.channel, **hello)
    first.welcome()
    in_doubt = HandWorker(two.channel, **hello).refusal()
    assert (in_doubt.code, in_doubt.reason) == (grpc.StatusCode.UNAVAILABLE, "WORKER_NAME_IN_DOUBT")
    assert HandWorker(one.channel, **hello).refusal().reason == "WORKER_NAME_TAKEN"
    first.cut()
    until(lambda: _has_come(one, hello))


def _has_come(server: RunningServer, hello: dict[str, Any]) -> bool:
    try:
        return bool(HandWorker(server.channel, **hello).welcome())
    except AssertionError:
        return False
