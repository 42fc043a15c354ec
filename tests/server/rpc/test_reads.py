from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.v1.admin_service_pb2 import ListSessionsRequest, Session, SessionStatus
from antiphon.v1.flow_pb2 import Flow
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, ListFlowRunsRequest, ListFlowRunStatesRequest
from antiphon.v1.flow_service_pb2 import GetFlowRequest, ListFlowsRequest
from antiphon.v1.log_pb2 import Log
from antiphon.v1.log_service_pb2 import ListLogsRequest
from antiphon.v1.payload_pb2 import Payload
from antiphon.v1.retry_policy_pb2 import RetryPolicy
from antiphon.v1.state_pb2 import State, StateDetails, StateType
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import GetTaskRunRequest, ListTaskRunsRequest, ListTaskRunStatesRequest
from antiphon_server.application.page_tokens import PageTokens
from antiphon_server.application.queries import Queries
from antiphon_server.domain.errors import InvalidArgument, NotFound
from antiphon_server.rpc.reads import Reads
from antiphon_server.storage import tables

Uuid = Callable[[int], str]
T = TypeVar("T")
T0 = 1_767_225_600_000_000
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PAYLOAD = Payload(metadata={"encoding": "json/plain"}, data=b"[1]")


def call(database: Any, use: Callable[[Reads], Awaitable[T]]) -> T:
    result: T = database.read(lambda reader: use(Reads(Queries(reader, PageTokens(b"0123456789abcdef")))))
    return result


def at(micros: int) -> Timestamp:
    return Timestamp(seconds=(T0 + micros) // 10**6, nanos=micros % 10**6 * 1000)


def test_a_flow_run_with_everything(database: Any, uuid: Uuid) -> None:
    details = StateDetails(scheduled_time=at(5), retriable=False)
    database.add(tables.flows, {"id": uuid(1), "name": "etl"})
    database.add(
        tables.transitions,
        {
            "id": uuid(2),
            "run_id": uuid(3),
            "message": "why",
            "details": details.SerializeToString(),
            "data": PAYLOAD.SerializeToString(),
        },
    )
    database.add(
        tables.flow_runs,
        {
            "id": uuid(3),
            "name": "run",
            "flow_id": uuid(1),
            "flow_version": "v1",
            "parameters": PAYLOAD.SerializeToString(),
            "tags": '["a", "ü"]',
            "idempotency_key": "key",
            "parent_task_run_id": uuid(8),
            "retry_policy": '{"max_retries": 2, "delays": [1500000, 0], "jitter_factor": 0.5}',
            "run_count": 3,
            "state_id": uuid(2),
            "state_type": 5,
            "state_name": "TimedOut",
            "state_time": T0 + 1,
            "start_time": T0 + 2,
            "end_time": T0 + 3,
            "expected_start_time": T0 + 4,
            "next_scheduled_start_time": T0 + 5,
            "total_run_time": 1_000_006,
            "session_id": uuid(9),
            "fencing_token": 4,
            "deadline_time": T0 + 9,
            "priority": -2,
            "deployment_id": uuid(10),
            "work_queue_id": uuid(11),
            "infrastructure_pid": "pid-1",
            "auto_scheduled": True,
            "resuming": True,
            "pause_keys": '["k"]',
            "schedule_id": uuid(12),
            "operation_id": uuid(13),
            "deployment_version": 14,
            "job_variables": '{"image": "x"}',
            "traceparent": TRACEPARENT,
            "create_time": T0 + 7,
            "update_time": T0 + 8,
            "version": 12,
        },
    )
    expected = FlowRun(
        id=uuid(3),
        name="run",
        flow_id=uuid(1),
        flow_name="etl",
        flow_version="v1",
        parameters=PAYLOAD,
        tags=["a", "ü"],
        idempotency_key="key",
        parent_task_run_id=uuid(8),
        retry_policy=RetryPolicy(
            max_retries=2, delays=[Duration(seconds=1, nanos=500_000_000), Duration()], jitter_factor=0.5
        ),
        run_count=3,
        state=State(
            id=uuid(2),
            type=StateType.STATE_TYPE_FAILED,
            name="TimedOut",
            create_time=at(1),
            message="why",
            details=details,
            data=PAYLOAD,
        ),
        start_time=at(2),
        end_time=at(3),
        expected_start_time=at(4),
        next_scheduled_start_time=at(5),
        total_run_time=Duration(seconds=1, nanos=6000),
        session_id=uuid(9),
        fencing_token=4,
        deadline_time=at(9),
        priority=-2,
        deployment_id=uuid(10),
        work_queue_id=uuid(11),
        infrastructure_pid="pid-1",
        auto_scheduled=True,
        resuming=True,
        pause_keys=["k"],
        schedule_id=uuid(12),
        operation_id=uuid(13),
        deployment_version_number=14,
        job_variables='{"image": "x"}',
        traceparent=TRACEPARENT,
        create_time=at(7),
        update_time=at(8),
        etag="12",
    )
    assert_every_field_is_set(expected)

    async def use(reads: Reads) -> None:
        assert (await reads.get_flow_run(GetFlowRunRequest(id=uuid(3)))).flow_run == expected
        assert (await reads.get_flow_run(GetFlowRunRequest(id=uuid(3).upper()))).flow_run == expected
        assert list((await reads.list_flow_runs(ListFlowRunsRequest())).flow_runs) == [expected]

    call(database, use)


def assert_every_field_is_set(message: Message) -> None:
    """Guards a test against fields that the contract gains later."""
    assert {field.name for field, _ in message.ListFields()} == set(message.DESCRIPTOR.fields_by_name)


def test_a_task_run_with_everything(database: Any, uuid: Uuid) -> None:
    database.add(tables.transitions, {"id": uuid(2), "run_id": uuid(3)})
    database.add(
        tables.task_runs,
        {
            "id": uuid(3),
            "name": "task",
            "flow_run_id": uuid(4),
            "task_key": "load",
            "dynamic_key": "0",
            "task_version": "v2",
            "tags": '["db"]',
            "upstream_task_run_ids": f'["{uuid(5)}"]',
            "parameters": PAYLOAD.SerializeToString(),
            "traceparent": TRACEPARENT,
            "retry_policy": '{"max_retries": 1, "delays": [], "jitter_factor": 0}',
            "run_count": 1,
            "flow_run_run_count": 2,
            "state_id": uuid(2),
            "state_type": 3,
            "state_name": "Running",
            "state_time": T0,
            "start_time": T0 + 1,
            "end_time": T0 + 2,
            "expected_start_time": T0 + 3,
            "next_scheduled_start_time": T0 + 4,
            "total_run_time": 5,
            "session_id": uuid(9),
            "fencing_token": 4,
            "deadline_time": T0 + 9,
            "priority": 2,
            "create_time": T0 + 6,
            "update_time": T0 + 7,
        },
    )
    expected = TaskRun(
        id=uuid(3),
        name="task",
        flow_run_id=uuid(4),
        task_key="load",
        dynamic_key="0",
        task_version="v2",
        tags=["db"],
        upstream_task_run_ids=[uuid(5)],
        parameters=PAYLOAD,
        traceparent=TRACEPARENT,
        retry_policy=RetryPolicy(max_retries=1),
        run_count=1,
        flow_run_run_count=2,
        state=State(id=uuid(2), type=StateType.STATE_TYPE_RUNNING, name="Running", create_time=at(0)),
        start_time=at(1),
        end_time=at(2),
        expected_start_time=at(3),
        next_scheduled_start_time=at(4),
        total_run_time=Duration(nanos=5000),
        session_id=uuid(9),
        fencing_token=4,
        deadline_time=at(9),
        priority=2,
        create_time=at(6),
        update_time=at(7),
        etag="1",
    )
    assert_every_field_is_set(expected)

    async def use(reads: Reads) -> None:
        assert (await reads.get_task_run(GetTaskRunRequest(id=uuid(3)))).task_run == expected
        listed = await reads.list_task_runs(ListTaskRunsRequest(filter="task_key = load"))
        assert list(listed.task_runs) == [expected]

    call(database, use)


def test_what_is_not_stored_is_absent(database: Any, uuid: Uuid) -> None:
    database.add(tables.flow_runs, {"id": uuid(1)}, {"id": uuid(2), "parameters": b""})
    database.add(tables.task_runs, {"id": uuid(1)})

    async def use(reads: Reads) -> None:
        run = (await reads.get_flow_run(GetFlowRunRequest(id=uuid(1)))).flow_run
        for name in ("state", "parameters", "retry_policy", "start_time", "end_time", "next_scheduled_start_time"):
            assert not run.HasField(name)
        assert (run.session_id, run.parent_task_run_id, run.idempotency_key, run.flow_name) == ("", "", "", "")
        empty = (await reads.get_flow_run(GetFlowRunRequest(id=uuid(2)))).flow_run
        assert empty.HasField("parameters"), "an empty payload is one"
        task = (await reads.get_task_run(GetTaskRunRequest(id=uuid(1)))).task_run
        assert task.flow_run_id == ""
        assert not task.HasField("state")

    call(database, use)


def test_flows_logs_and_sessions(database: Any, uuid: Uuid) -> None:
    database.add(
        tables.flows,
        {"id": uuid(1), "name": "etl", "tags": '["x"]', "version": 3, "create_time": T0, "update_time": T0 + 1},
    )
    flow = Flow(id=uuid(1), name="etl", tags=["x"], create_time=at(0), update_time=at(1), etag="3")
    line = {"id": uuid(1), "logger": "app", "level": 30, "message": "hm", "create_time": T0}
    database.add(tables.logs, {**line, "flow_run_id": uuid(2), "task_run_id": uuid(3)}, {**line, "id": uuid(2)})
    log = Log(id=uuid(1), logger="app", level=30, message="hm", create_time=at(0))
    log.flow_run_id, log.task_run_id = uuid(2), uuid(3)
    database.add(
        tables.sessions,
        {"id": uuid(1), "client": "python 3", "epoch": 2, "status": 3, "sequence": 2**40, "expire_time": T0 + 1},
    )
    session = Session(
        id=uuid(1),
        client="python 3",
        epoch=2,
        status=SessionStatus.SESSION_STATUS_LOST,
        sequence=2**40,
        create_time=at(0),
        expire_time=at(1),
    )
    for message in (flow, log, session):
        assert_every_field_is_set(message)

    async def use(reads: Reads) -> None:
        assert (await reads.get_flow(GetFlowRequest(id=uuid(1)))).flow == flow
        assert list((await reads.list_flows(ListFlowsRequest())).flows) == [flow]
        first, second = (await reads.list_logs(ListLogsRequest())).logs
        assert first == log
        assert (second.flow_run_id, second.task_run_id) == ("", "")
        assert list((await reads.list_sessions(ListSessionsRequest())).sessions) == [session]

    call(database, use)


def test_history_page_by_page(database: Any, uuid: Uuid) -> None:
    database.add(tables.flow_runs, {"id": uuid(1)}, {"id": uuid(3)})
    database.add(tables.task_runs, {"id": uuid(2)})
    details, data = StateDetails(child_flow_run_id=uuid(7)), PAYLOAD
    for number, run in ((11, 1), (12, 1), (13, 1), (21, 2)):
        written = {"id": uuid(number), "run_id": uuid(run), "create_time": T0 + number, "message": "m"}
        written |= {"details": details.SerializeToString(), "data": data.SerializeToString()}
        database.add(tables.transitions, written)

    async def use(reads: Reads) -> None:
        first = await reads.list_flow_run_states(ListFlowRunStatesRequest(id=uuid(1), page_size=2))
        assert [state.id for state in first.states] == [uuid(11), uuid(12)]
        assert first.states[0] == State(
            id=uuid(11),
            type=StateType.STATE_TYPE_SCHEDULED,
            name="Scheduled",
            create_time=at(11),
            message="m",
            details=details,
            data=data,
        )
        token = first.next_page_token
        second = await reads.list_flow_run_states(ListFlowRunStatesRequest(id=uuid(1), page_token=token))
        assert [state.id for state in second.states] == [uuid(13)]
        assert second.next_page_token == ""
        task = await reads.list_task_run_states(ListTaskRunStatesRequest(id=uuid(2)))
        assert [state.id for state in task.states] == [uuid(21)]
        assert not (await reads.list_flow_run_states(ListFlowRunStatesRequest(id=uuid(3)))).states
        with pytest.raises(InvalidArgument) as caught:
            await reads.list_flow_run_states(ListFlowRunStatesRequest(id=uuid(3), page_token=token))
        assert caught.value.reason == "PAGE_TOKEN_INVALID"

    call(database, use)


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        (lambda reads, id: reads.get_flow(GetFlowRequest(id=id)), "FLOW_NOT_FOUND"),
        (lambda reads, id: reads.get_flow_run(GetFlowRunRequest(id=id)), "FLOW_RUN_NOT_FOUND"),
        (lambda reads, id: reads.get_task_run(GetTaskRunRequest(id=id)), "TASK_RUN_NOT_FOUND"),
        (lambda reads, id: reads.list_flow_run_states(ListFlowRunStatesRequest(id=id)), "FLOW_RUN_NOT_FOUND"),
        (lambda reads, id: reads.list_task_run_states(ListTaskRunStatesRequest(id=id)), "TASK_RUN_NOT_FOUND"),
    ],
)
def test_unknown_ids_are_not_found(
    database: Any, uuid: Uuid, use: Callable[[Reads, str], Awaitable[object]], reason: str
) -> None:
    database.add(tables.transitions, {"id": uuid(2), "run_id": uuid(1)})
    with pytest.raises(NotFound, match=uuid(1)) as caught:
        call(database, lambda reads: use(reads, uuid(1)))
    assert caught.value.reason == reason


def test_page_sizes(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, *({"id": uuid(i), "name": f"flow {i}"} for i in range(1100)))

    async def use(reads: Reads) -> None:
        for asked, given in ((0, 100), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)):
            response = await reads.list_flows(ListFlowsRequest(page_size=asked))
            assert len(response.flows) == given
            assert response.next_page_token
        with pytest.raises(InvalidArgument) as caught:
            await reads.list_flows(ListFlowsRequest(page_size=-1))
        assert (caught.value.reason, caught.value.field) == ("PAGE_SIZE_INVALID", "page_size")

    call(database, use)


def test_a_walk_with_filter_order_and_changing_page_sizes(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, *({"id": uuid(i), "name": f"{i:02} {'odd' if i % 2 else 'even'}"} for i in range(20)))

    async def use(reads: Reads) -> None:
        request = ListFlowsRequest(filter="name:odd", order_by="name desc", page_size=1)
        names: list[str] = []
        for _ in range(4):
            response = await reads.list_flows(request)
            names += [flow.name for flow in response.flows]
            request.page_token = response.next_page_token
            request.page_size += 1
        assert names == [f"{i:02} odd" for i in range(19, 0, -2)]
        assert not request.page_token

    call(database, use)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"filter": "name = y"}, "PAGE_TOKEN_INVALID"),
        ({"order_by": "name desc"}, "PAGE_TOKEN_INVALID"),
        ({"page_token": "forged"}, "PAGE_TOKEN_INVALID"),
        ({"filter": "name ="}, "FILTER_INVALID"),
        ({"order_by": "size"}, "ORDER_BY_INVALID"),
    ],
)
def test_wrong_requests(database: Any, uuid: Uuid, changed: dict[str, str], reason: str) -> None:
    database.add(tables.flows, {"id": uuid(1), "name": "1 x"}, {"id": uuid(2), "name": "2 x"})

    async def use(reads: Reads) -> None:
        first = await reads.list_flows(ListFlowsRequest(page_size=1, filter="name:x", order_by="name"))
        same: dict[str, Any] = {"filter": "name:x", "order_by": "name", "page_token": first.next_page_token}
        assert len((await reads.list_flows(ListFlowsRequest(**same))).flows) == 1
        await reads.list_flows(ListFlowsRequest(**(same | changed)))

    with pytest.raises(InvalidArgument) as caught:
        call(database, use)
    assert caught.value.reason == reason
    assert caught.value.field == ("page_token" if reason == "PAGE_TOKEN_INVALID" else next(iter(changed)))


def test_a_token_of_another_list_is_refused(database: Any, uuid: Uuid) -> None:
    database.add(tables.flow_runs, {"id": uuid(1)}, {"id": uuid(2)})

    async def use(reads: Reads) -> None:
        token = (await reads.list_flow_runs(ListFlowRunsRequest(page_size=1))).next_page_token
        await reads.list_task_runs(ListTaskRunsRequest(page_token=token))

    with pytest.raises(InvalidArgument) as caught:
        call(database, use)
    assert caught.value.reason == "PAGE_TOKEN_INVALID"
