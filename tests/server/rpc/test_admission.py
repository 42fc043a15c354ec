"""Which calls a server takes in while it cannot answer, and what becomes of the others."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from antiphon.service_client import ServiceClient
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest
from antiphon.v1.admin_service_pb2_grpc import AdminServiceStub
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CreateFlowRunRequest, GetFlowRunRequest, ListFlowRunsRequest
from antiphon.v1.flow_run_service_pb2_grpc import FlowRunServiceStub
from antiphon.v1.session_pb2 import ClientFrame, Hello
from antiphon.v1.session_service_pb2 import AttachRequest
from antiphon.v1.session_service_pb2_grpc import SessionServiceStub
from antiphon_server.rpc.admission import Gates
from antiphon_server.rpc.gates import START
from hand_session import HandSession, new_id
from in_writer import in_writer
from refusals import Refusal, refusal_of
from running_server import RunningServer
from until import until

MORE = 40


@contextmanager
def held_writer(server: RunningServer) -> Iterator[None]:
    """Nothing is committed meanwhile."""
    taken, release = threading.Event(), threading.Event()
    thread = threading.Thread(target=in_writer, args=(server, lambda _: (taken.set(), release.wait(60))))
    thread.start()
    assert taken.wait(30)
    try:
        yield
    finally:
        release.set()
        thread.join(30)


def writes(server: RunningServer) -> Any:
    return server.server.gates.of("/antiphon.v1.FlowRunService/CreateFlowRun", streams=False)


def create(server: RunningServer, id: str) -> Any:
    request = CreateFlowRunRequest(flow_run=FlowRun(id=id, flow_name="f"))
    return FlowRunServiceStub(server.channel).CreateFlowRun.future(request, timeout=60)


@pytest.fixture
def crowd(server: RunningServer) -> Iterator[list[Any]]:
    """As many writes as are let in are under way, and none is answered."""
    create(server, new_id()).result()
    with held_writer(server):
        calls = [create(server, new_id()) for _ in range(START)]
        until(lambda: writes(server).full)
        yield calls


def test_what_finds_no_room_is_told_when_to_come_again_and_what_is_taken_in_is_done(server: RunningServer) -> None:
    create(server, new_id()).result()
    ids = [new_id() for _ in range(START)]
    with held_writer(server):
        calls = [create(server, id) for id in ids]
        until(lambda: writes(server).full)
        refusals: list[Refusal] = [refusal_of(create(server, new_id()).exception()) for _ in range(MORE)]
    assert {(each.code, each.reason) for each in refusals} == {(grpc.StatusCode.UNAVAILABLE, "SERVER_BUSY")}
    assert all(each.retry_after for each in refusals)
    assert len({each.retry_after for each in refusals}) > MORE / 2, "they would all come back together"
    stub = FlowRunServiceStub(server.channel)
    for id, call in zip(ids, calls, strict=True):
        assert call.result().flow_run.id == id
        assert stub.GetFlowRun(GetFlowRunRequest(id=id)).flow_run.id == id
    until(lambda: writes(server).under_way == 0)


def test_writes_keep_neither_reads_nor_people_who_look_out(server: RunningServer, crowd: list[Any]) -> None:
    assert FlowRunServiceStub(server.channel).ListFlowRuns(ListFlowRunsRequest(), timeout=30) is not None
    assert AdminServiceStub(server.channel).GetServerInfo(GetServerInfoRequest(), timeout=30).server_info.version


def test_a_session_goes_on_while_writes_are_turned_away(server: RunningServer, attach: Any) -> None:
    session: HandSession = attach()
    create(server, new_id()).result()
    with held_writer(server):
        calls = [create(server, new_id()) for _ in range(START)]
        until(lambda: writes(server).full)
        assert create(server, new_id()).exception() is not None
        run = threading.Thread(target=session.create_flow_run)
        run.start()
    run.join(30)
    assert not run.is_alive()
    assert all(call.result() for call in calls)


def test_a_client_of_the_sdk_comes_again_and_is_served(server: RunningServer) -> None:
    create(server, new_id()).result()
    id = new_id()
    with ServiceClient(server.target) as client, ThreadPoolExecutor(1) as pool:
        with held_writer(server):
            calls = [create(server, new_id()) for _ in range(START)]
            until(lambda: writes(server).full)
            before = writes(server).refused
            request = CreateFlowRunRequest(flow_run=FlowRun(id=id, flow_name="f"))
            asked = pool.submit(client.call, client.flow_runs.CreateFlowRun, request, timeout=60)
            # More often than a server that is away is tried again.
            until(lambda: writes(server).refused > before + 6, 60)
        assert asked.result(60).flow_run.id == id
    assert all(call.result() for call in calls)


def test_a_call_whose_caller_goes_away_makes_room(server: RunningServer, crowd: list[Any]) -> None:
    crowd[0].cancel()
    until(lambda: writes(server).under_way == START - 1)


def test_sessions_that_arrive_together_are_told_to_come_one_after_another(server: RunningServer) -> None:
    gate = server.server.gates.arrivals
    stub = SessionServiceStub(server.channel)
    hello = AttachRequest(frames=[ClientFrame(hello=Hello(client="one of many"))])
    release = threading.Event()

    def requests() -> Iterator[AttachRequest]:
        yield hello
        release.wait(60)

    with held_writer(server):
        streams = [stub.Attach(requests(), timeout=60) for _ in range(START)]
        until(lambda: gate.full)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.Attach(requests(), timeout=60))
        refusal = refusal_of(caught.value)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_BUSY")
        assert refusal.retry_after
    assert all(next(stream).frames[0].HasField("welcome") for stream in streams)
    assert gate.under_way == 0, "who is welcome has arrived"
    release.set()
    for stream in streams:
        stream.cancel()


def test_requests_share_the_memory_that_there_is_for_them(server: RunningServer) -> None:
    incoming = server.server.gates.incoming
    incoming.limit = 10_000
    small, large = new_id(), FlowRun(id=new_id(), flow_name="f", tags=["t" * 200 + str(n) for n in range(100)])
    assert create(server, small).result().flow_run.id == small
    call = FlowRunServiceStub(server.channel).CreateFlowRun.future(CreateFlowRunRequest(flow_run=large), timeout=30)
    assert refusal_of(call.exception()).reason == "SERVER_BUSY"
    assert incoming.held == 0


@pytest.mark.parametrize(
    ("method", "streams", "kind"),
    [
        ("FlowRunService/CreateFlowRun", False, "writes"),
        ("TransitionService/ProposeTransition", False, "writes"),
        ("TransitionService/ExplainTransition", False, "reads"),
        ("FlowRunService/ListFlowRuns", False, "reads"),
        ("FlowRunService/AwaitFlowRun", False, "waiting calls"),
        ("ConcurrencyLimitService/AcquireSlots", False, "waiting calls"),
        ("ConcurrencyLimitService/RenewSlots", False, "control calls"),
        ("FlowRunService/CancelFlowRun", False, "control calls"),
        ("SessionService/ExchangeFrames", False, "control calls"),
        ("SessionService/Attach", True, "sessions"),
        ("WorkService/Work", True, "sessions"),
        ("SessionService/Upload", True, "uploads"),
        ("WatchService/WatchLogs", True, "followers"),
        ("TaskRunService/TakeTaskRuns", True, "followers"),
    ],
)
def test_each_method_has_its_gate(method: str, streams: bool, kind: str) -> None:
    assert Gates().of(f"/antiphon.v1.{method}", streams=streams).name == kind
