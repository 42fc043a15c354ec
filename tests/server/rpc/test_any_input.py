"""Whatever a caller sends: the answer is an answer or a clear refusal, never a bug of ours, and the server lives on."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.v1 import (
    admin_service_pb2,
    flow_run_service_pb2,
    session_pb2,
    session_service_pb2,
    task_run_service_pb2,
)
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.log_pb2 import Log
from antiphon.v1.task_run_pb2 import TaskRun
from contract import METHODS, Known, Method, messages
from effort import examples
from hand_session import HandSession, new_id
from refusals import check_end
from running_server import RunningServer
from world import LOGIN, World, login_type

FAST = examples(30)
UNARY = [method for method in METHODS if method.unary]
STREAMING = {method.path.removeprefix("/antiphon.v1."): method for method in METHODS if not method.unary}

WATCHES = [name for name in STREAMING if name.startswith("WatchService/")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("any")) as running:
        yield running


@pytest.fixture
def known(server: RunningServer) -> Iterator[Known]:
    """Things that are there, some of them held by a session."""
    session = HandSession(server.channel)
    run = session.create_flow_run(tags=["x"])
    task = session.create_task_run(run)
    session.propose(run, "RUNNING")
    session.propose(task, "SCHEDULED", task=True)
    free, free_task = FlowRun(id=new_id(), flow_name="g", retry_policy={"max_retries": 9}), TaskRun(id=new_id())
    free_task.task_key = "clean"
    server.channel.unary_unary("/antiphon.v1.FlowRunService/CreateFlowRun")(
        flow_run_service_pb2.CreateFlowRunRequest(flow_run=free).SerializeToString()
    )
    server.channel.unary_unary("/antiphon.v1.TaskRunService/CreateTaskRun")(
        task_run_service_pb2.CreateTaskRunRequest(task_run=free_task).SerializeToString()
    )
    read = server.channel.unary_unary(
        "/antiphon.v1.FlowRunService/GetFlowRun",
        response_deserializer=flow_run_service_pb2.GetFlowRunResponse.FromString,
    )
    flow = read(flow_run_service_pb2.GetFlowRunRequest(id=run).SerializeToString()).flow_run.flow_id
    world = World(server)
    own = {"name": new_id(), "concurrencyLimit": 1}
    limit = {"name": new_id(), "limit": 1}
    limit_id = world.call("CreateConcurrencyLimit", {"concurrencyLimit": limit}).concurrency_limit.id
    pool = world.call("CreateWorkPool", {"workPool": {**own, "type": "x"}}).work_pool.id
    queue = world.call("CreateWorkQueue", {"workQueue": {**own, "workPoolId": pool}}).work_queue.id
    deployment = world.call("CreateDeployment", {"deployment": {**own, "flowId": flow}}).deployment.id
    artifact = world.call("CreateArtifact", {"artifact": {"key": "one"}}).artifact.id
    variable = world.call("CreateVariable", {"variable": {"name": new_id(), "value": "1"}}).variable.id
    slug = f"any-{new_id()}"
    registered = world.call("RegisterBlockType", login_type(slug))
    schema, name = registered.block_schema, f"one-{new_id()}"
    document = {"name": name, "blockSchemaId": schema.id, "data": LOGIN}
    block = world.call("CreateBlockDocument", {"blockDocument": document}).block_document.id
    of_block = [registered.block_type.id, schema.id, block]
    yield {
        "id": [
            run,
            task,
            free.id,
            free_task.id,
            flow,
            limit_id,
            deployment,
            pool,
            queue,
            artifact,
            variable,
            *of_block,
        ],
        "block_schema_id": [schema.id],
        "block_type_slug": [slug],
        "slug": [slug, "secret"],
        "checksum": [schema.checksum],
        "fields": [schema.fields, '{"secret_fields": [1]}', "[", '{"secret_fields": ["*.*", "a..b", "."]}'],
        "antiphon.v1.BlockDocument.data": [
            *(LOGIN, '{"password": "********"}', '{"a": 1e999}', '{"headers": [[]]}'),
            f'{{"part": {{"$ref": {{"block_document_id": "{block}"}}}}}}',
        ],
        "secret_fields": ["*", "*.*", "user", "."],
        "deployment_id": [deployment],
        "work_pool_id": [pool],
        "work_queue_id": [queue],
        "flow_run_id": [run, free.id],
        "task_run_id": [task, free_task.id],
        "upstream_task_run_ids": [task],
        "parent_task_run_id": [task],
        "flow_id": [flow],
        # A fresh one most of the time, so that one request is seldom taken for another.
        "request_id": ["", "", "", new_id()],
        "transition_id": [new_id() for _ in range(50)],
        "expected_state_id": ["", "", new_id()],
        "resume_token": [session.welcome.resume_token],
        "epoch": [1],
        "sequence": [session.sequence + 1, session.sequence + 2],
    }
    session.cut()


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
    assert set(STREAMING) == {
        "FlowRunService/WatchFlowRun",
        "OperationService/WatchOperation",
        "SessionService/Attach",
        "SessionService/Upload",
        "TaskRunService/TakeTaskRuns",
        "TaskRunService/WatchTaskRuns",
        *WATCHES,
        "WorkService/Work",
    }


@pytest.mark.parametrize("method", UNARY, ids=str)
def test_any_fields(server: RunningServer, known: Known, method: Method) -> None:
    @FAST
    @given(messages(method.request.DESCRIPTOR, known))
    def sent(request: Any) -> None:
        call(server, method, request.SerializeToString())

    sent()
    assert_alive(server)


@pytest.mark.parametrize("method", UNARY, ids=str)
def test_any_bytes(server: RunningServer, known: Known, method: Method) -> None:
    @FAST
    @given(messages(method.request.DESCRIPTOR, known), st.binary(max_size=30), st.integers(0, 60))
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


@pytest.mark.parametrize("name", ["SessionService/Attach", "SessionService/Upload"])
def test_any_stream(server: RunningServer, known: Known, name: str) -> None:
    method = STREAMING[name]
    greeting = [HELLO.SerializeToString()] if name.endswith("Attach") else []

    @FAST
    @given(messages(method.request.DESCRIPTOR, known, depth=4), st.binary(max_size=30), st.booleans())
    def sent(request: Any, noise: bytes, greets: bool) -> None:
        first = greeting if greets else []
        drain(server, method, *first, request.SerializeToString())
        drain(server, method, *first, noise)
        drain(server, method, *first, request.SerializeToString(), noise)

    sent()
    assert_alive(server)


def test_any_frame(server: RunningServer, known: Known) -> None:
    """A frame that is wrong in itself is answered in band; one that breaks the protocol ends the stream."""

    @FAST
    @given(st.lists(messages(session_pb2.ClientFrame.DESCRIPTOR, known, depth=4), max_size=4))
    def sent(frames: list[Any]) -> None:
        for number, frame in enumerate(frames, 1):
            frame.sequence = number
        request = session_service_pb2.AttachRequest(frames=[*HELLO.frames, *frames])
        drain(server, STREAMING["SessionService/Attach"], request.SerializeToString())

    sent()
    assert_alive(server)


@pytest.mark.parametrize("name", ["TaskRunService/TakeTaskRuns", "TaskRunService/WatchTaskRuns"])
def test_any_stream_that_stays_open(server: RunningServer, known: Known, name: str) -> None:
    method = STREAMING[name]

    @FAST
    @given(messages(method.request.DESCRIPTOR, known), st.binary(max_size=30))
    def sent(request: Any, noise: bytes) -> None:
        drain(server, method, request.SerializeToString(), timeout=0.05)
        drain(server, method, noise, timeout=0.05)
        drain(server, method, request.SerializeToString(), noise, timeout=0.05)

    sent()
    assert_alive(server)


@pytest.mark.parametrize("name", ["FlowRunService/WatchFlowRun", "OperationService/WatchOperation", *WATCHES])
def test_any_watch(server: RunningServer, known: Known, name: str) -> None:
    method = STREAMING[name]

    @FAST
    @given(messages(method.request.DESCRIPTOR, known), st.binary(max_size=30))
    def sent(request: Any, noise: bytes) -> None:
        for body in (request.SerializeToString(), noise):
            try:
                for answer in method.call(server.channel, body, timeout=0.05):
                    method.response.FromString(answer)
            except grpc.RpcError as error:
                check_end(error)

    sent()
    assert_alive(server)


def test_any_log(server: RunningServer, known: Known) -> None:
    upload = STREAMING["SessionService/Upload"]

    @FAST
    @given(st.lists(messages(Log.DESCRIPTOR, known), min_size=1, max_size=3))
    def sent(logs: list[Any]) -> None:
        drain(server, upload, session_service_pb2.UploadRequest(sequence=1, logs=logs).SerializeToString())

    sent()
    assert_alive(server)
