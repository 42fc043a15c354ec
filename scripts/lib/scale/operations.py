"""What servers do all the time, timed: by calls of a client, and by the operations of their chores."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, select
from uuid_utils import uuid7

from antiphon.service_client import ServiceClient
from antiphon.v1 import flow_run_service_pb2, log_service_pb2, task_run_service_pb2, transition_service_pb2
from antiphon.v1.state_pb2 import State
from antiphon.v1.watch_service_pb2 import WatchServiceWatchTaskRunsRequest
from antiphon.v1.watch_service_pb2_grpc import WatchServiceStub
from antiphon_server.application.deadlines import ExpireDeadlines, MarkLateRuns
from antiphon_server.application.forgetting import ForgetCacheEntries, ForgetCommands, ForgetWorkers
from antiphon_server.application.requests import ForgetRequests
from antiphon_server.application.retention import DeleteOldRuns
from antiphon_server.application.sessions import ExpireSessions, ForgetSessions
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Calls of each kind, pages of each list, and rounds of each chore.
CALLS, PAGES, ROUNDS = 300, 15, 5
#: Seconds for which old runs are deleted.
DELETING = 15.0
PENDING, RUNNING, COMPLETED = 2, 3, 4

Took = Mapping[str, list[float]]


def _id() -> str:
    return str(uuid7())


def _timed(found: dict[str, list[float]], name: str, act: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    answer = act()
    found.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return answer


def run_tasks(client: ServiceClient, flow_run: str) -> Took:
    """Task runs, one after the other, each call in a transaction of its own."""
    found: dict[str, list[float]] = {}
    for number in range(CALLS):
        run = {"id": _id(), "flow_run_id": flow_run, "task_key": "step", "dynamic_key": f"more-{number}"}
        request = task_run_service_pb2.CreateTaskRunRequest(task_run=run)
        _timed(found, "create a task run", partial(client.call, client.task_runs.CreateTaskRun, request))
        for state, name in ((PENDING, "PENDING"), (RUNNING, "RUNNING"), (COMPLETED, "COMPLETED")):
            said = transition_service_pb2.ProposeTransitionRequest()
            said.proposal.transition_id, said.proposal.task_run_id = _id(), run["id"]
            said.proposal.state.CopyFrom(State(type=state))  # type: ignore[arg-type]
            _timed(found, name, partial(client.call, client.transitions.ProposeTransition, said))
    return found


def read_lists(client: ServiceClient, flow_run: str, flow: str) -> Took:
    """First pages and deep ones, with what people ask for."""
    found: dict[str, list[float]] = {}
    tasks, flows, lines = client.task_runs.ListTaskRuns, client.flow_runs.ListFlowRuns, client.logs.ListLogs
    asked: list[tuple[str, Any, type[Any], str]] = [
        ("newest flow runs", flows, flow_run_service_pb2.ListFlowRunsRequest, ""),
        ("flow runs of a flow", flows, flow_run_service_pb2.ListFlowRunsRequest, f'flow_id = "{flow}"'),
        ("flow runs that failed", flows, flow_run_service_pb2.ListFlowRunsRequest, "state.type = FAILED"),
        ("newest task runs", tasks, task_run_service_pb2.ListTaskRunsRequest, ""),
        ("task runs of a flow run", tasks, task_run_service_pb2.ListTaskRunsRequest, f'flow_run_id = "{flow_run}"'),
        ("task runs that failed (1 %)", tasks, task_run_service_pb2.ListTaskRunsRequest, "state.type = FAILED"),
        ("task runs that crashed (none)", tasks, task_run_service_pb2.ListTaskRunsRequest, "state.type = CRASHED"),
        ("lines of a flow run", lines, log_service_pb2.ListLogsRequest, f'flow_run_id = "{flow_run}"'),
    ]
    for name, method, kind, filter in asked:
        token = ""
        for page in range(PAGES):
            request = kind(filter=filter, page_token=token, page_size=100)
            call = partial(client.call, method, request)
            try:
                token = _timed(
                    found, f"{name}, {'first page' if page == 0 else 'pages behind it'}", call
                ).next_page_token
            except Exception as error:  # noqa: BLE001 - what is too slow for the server is a figure too
                print(f"{name}: {error}", flush=True)
                break
            if not token:
                break
    return found


def watch(target: Any, flow_run: str) -> Took:
    """From the call to the mark behind the snapshot of a flow run's task runs."""
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        request = WatchServiceWatchTaskRunsRequest(filter=f'flow_run_id = "{flow_run}"')

        def snapshot(request: Any = request) -> None:
            call = WatchServiceStub(target).WatchTaskRuns(request, timeout=60)
            next(each for each in call if each.HasField("snapshot_mark"))
            call.cancel()

        _timed(found, "snapshot of a watch, 100 task runs", snapshot)
    return found


def do_chores(engine: Engine, now: int) -> Took:
    """What the sweeper looks for, where there is nothing to do."""
    found: dict[str, list[float]] = {}
    chores: list[tuple[str, Callable[[], Any]]] = [
        ("sweep: sessions", lambda: ExpireSessions(now)),
        ("sweep: deadlines", lambda: ExpireDeadlines(now)),
        ("sweep: late runs", lambda: MarkLateRuns(now)),
        ("sweep: ended sessions", ForgetSessions),
        ("sweep: answers", ForgetRequests),
        ("sweep: commands", ForgetCommands),
        ("sweep: cached results", ForgetCacheEntries),
        ("sweep: workers", ForgetWorkers),
        ("sweep: old runs, none", lambda: DeleteOldRuns(20 * 365 * 86_400_000_000)),
    ]
    with engine.connect() as connection:
        for name, made in chores:
            for _ in range(ROUNDS):
                _timed(found, name, partial(_transact, connection, now, made()))
    return found


def delete_old(engine: Engine, now: int) -> tuple[float, list[float]]:
    """Task runs a second that retention deletes, and the milliseconds of its transactions."""
    with engine.connect() as connection:
        oldest: int = connection.execute(
            select(tables.flow_runs.c.create_time).order_by(tables.flow_runs.c.create_time).limit(1)
        ).scalar_one()
        connection.rollback()
        # All but the newest half: many more than go in the time there is.
        kept = (now - oldest) // 2
        found: dict[str, list[float]] = {}
        began, gone = time.perf_counter(), 0
        while time.perf_counter() - began < DELETING:
            changes = _timed(found, "delete", partial(_transact, connection, now, DeleteOldRuns(kept)))
            if not changes.ended_runs:
                break
            gone += sum(kind == "task_run" for kind, _ in changes.runs)
    return gone / (time.perf_counter() - began), found["delete"]


def _transact(connection: Connection, now: int, operation: Any) -> Any:
    with connection.begin():
        working_set = WorkingSet(connection, now, "scale")
        needs = Needs()
        operation.needs(needs)
        working_set.load(needs)
        operation.apply(working_set)
        working_set.flush()
        return working_set.changes
