"""Whatever a caller sends: the answer is an answer or a clear refusal, never a bug of ours, and the server lives on."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.v1 import admin_service_pb2, session_pb2, session_service_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.log_pb2 import Log
from antiphon.v1.task_run_pb2 import TaskRun
from contract import METHODS, Method, messages
from hand_session import HandSession, new_id
from refusals import DETAILS_KEY, refusal_of
from running_server import RunningServer

OURS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
FAST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
UNARY = [method for method in METHODS if method.unary]
STREAMING = {method.name: method for method in METHODS if not method.unary}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("any")) as running:
        yield running


@pytest.fixture(scope="module")
def ids(server: RunningServer) -> Iterator[list[str]]:
    """Ids of things that are there, some of them held by a session."""
    session = HandSession(server.channel)
    run = session.create_flow_run(tags=["x"])
    task = session.create_task_run(run)
    session.propose(run, "RUNNING")
    session.propose(task, "SCHEDULED", task=True)
    transition = new_id()
    free = FlowRun(id=new_id(), flow_name="g", retry_policy={"max_retries": 9})
    session.say(session.durable(create_flow_run=free))
    session.say(session.durable(create_task_run=TaskRun(id=new_id(), task_key="t")))
    session.propose(free.id, "RUNNING", transition_id=transition)
    by_name = {method.name: method for method in METHODS}
    flows: Any = by_name["ListFlows"].response.FromString(by_name["ListFlows"].call(server.channel, b""))
    yield [run, task, free.id, transition, *(flow.id for flow in flows.flows)]
    session.cut()


def check_end(error: grpc.RpcError) -> None:
    """A refusal of ours says what it is; the library's own are few and known."""
    assert error.code() not in OURS, f"{error.code()}: {error.details()}"
    if DETAILS_KEY in dict(error.trailing_metadata() or ()):
        refusal_of(error)
    else:
        assert error.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}


def call(server: RunningServer, method: Method, request: Any) -> None:
    try:
        method.response.FromString(method.call(server.channel, request, timeout=20))
    except grpc.RpcError as error:
        check_end(error)


def assert_alive(server: RunningServer) -> None:
    info = server.channel.unary_unary(
        "/antiphon.v1.AdminService/GetServerInfo",
        response_deserializer=admin_service_pb2.GetServerInfoResponse.FromString,
    )(b"")
    assert info.server_info.process_id


def test_no_method_escapes() -> None:
    assert len(UNARY) >= 25
    assert set(STREAMING) == {"Attach", "Upload", "WatchFlowRun"}


@pytest.mark.parametrize("method", UNARY, ids=str)
def test_any_fields(server: RunningServer, ids: list[str], method: Method) -> None:
    @FAST
    @given(messages(method.request.DESCRIPTOR, ids))
    def sent(request: Any) -> None:
        call(server, method, request.SerializeToString())

    sent()
    assert_alive(server)


@pytest.mark.parametrize("method", UNARY, ids=str)
def test_any_bytes(server: RunningServer, ids: list[str], method: Method) -> None:
    @FAST
    @given(messages(method.request.DESCRIPTOR, ids), st.binary(max_size=30), st.integers(0, 60))
    def sent(request: Any, noise: bytes, at: int) -> None:
        whole = request.SerializeToString()
        call(server, method, noise)
        call(server, method, whole[:at] + noise + whole[at:])
        call(server, method, whole[:at])

    sent()
    assert_alive(server)


def drain(server: RunningServer, method: Method, *requests: bytes, timeout: float = 20) -> None:
    try:
        for answer in method.call(server.channel, iter(requests), timeout=timeout):
            method.response.FromString(answer)
    except grpc.RpcError as error:
        check_end(error)


HELLO = session_service_pb2.AttachRequest(frames=[session_pb2.ClientFrame(hello=session_pb2.Hello())])


@pytest.mark.parametrize("name", ["Attach", "Upload"])
def test_any_stream(server: RunningServer, ids: list[str], name: str) -> None:
    method = STREAMING[name]
    greeting = [HELLO.SerializeToString()] if name == "Attach" else []

    @FAST
    @given(messages(method.request.DESCRIPTOR, ids, depth=4), st.binary(max_size=30), st.booleans())
    def sent(request: Any, noise: bytes, greets: bool) -> None:
        first = greeting if greets else []
        drain(server, method, *first, request.SerializeToString())
        drain(server, method, *first, noise)
        drain(server, method, *first, request.SerializeToString(), noise)

    sent()
    assert_alive(server)


def test_any_frame(server: RunningServer, ids: list[str]) -> None:
    """A frame that is wrong in itself is answered in band; one that breaks the protocol ends the stream."""

    @FAST
    @given(st.lists(messages(session_pb2.ClientFrame.DESCRIPTOR, ids, depth=4), max_size=4))
    def sent(frames: list[Any]) -> None:
        for number, frame in enumerate(frames, 1):
            frame.sequence = number
        request = session_service_pb2.AttachRequest(frames=[*HELLO.frames, *frames])
        drain(server, STREAMING["Attach"], request.SerializeToString())

    sent()
    assert_alive(server)


def test_any_watch(server: RunningServer, ids: list[str]) -> None:
    method = STREAMING["WatchFlowRun"]

    @FAST
    @given(messages(method.request.DESCRIPTOR, ids), st.binary(max_size=30))
    def sent(request: Any, noise: bytes) -> None:
        for body in (request.SerializeToString(), noise):
            try:
                for answer in method.call(server.channel, body, timeout=0.05):
                    method.response.FromString(answer)
            except grpc.RpcError as error:
                check_end(error)

    sent()
    assert_alive(server)


def test_any_log(server: RunningServer, ids: list[str]) -> None:
    upload = STREAMING["Upload"]

    @FAST
    @given(st.lists(messages(Log.DESCRIPTOR, ids), min_size=1, max_size=3))
    def sent(logs: list[Any]) -> None:
        drain(server, upload, session_service_pb2.UploadRequest(sequence=1, logs=logs).SerializeToString())

    sent()
    assert_alive(server)
