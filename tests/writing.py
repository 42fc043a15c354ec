"""Operations on a database without a server: each call is one transaction of the writer, at a time that a test sets."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Table
from uuid_utils import uuid7

from antiphon_server.application.creation import CreateFlowRun, CreateTaskRun, NewRun
from antiphon_server.application.deployments import CreateDeployment
from antiphon_server.application.handing_over import hand_over_freed
from antiphon_server.application.operations import ProposeTransition
from antiphon_server.application.proposals import digest_of
from antiphon_server.domain.model import Proposal, RetryPolicy, RunKind, State, StateDetails
from antiphon_server.domain.states import DEFAULT_NAMES, StateType
from antiphon_server.storage import all_tables
from antiphon_server.storage.working_set import Changes
from antiphon_server.storage.writer import Operation, Outcome, Writer

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
FLOW_RUN, TASK_RUN = RunKind.FLOW_RUN, RunKind.TASK_RUN


def new_id() -> str:
    return str(uuid7())


def _new_run(id: str, body: Mapping[str, Any]) -> NewRun:
    return NewRun(
        id=id,
        name=body.get("name", ""),
        tags=list(body.get("tags", ())),
        retry_policy=body.get("retry_policy"),
        priority=body.get("priority", 0),
        digest=digest_of(repr((id, sorted(body.items(), key=str))).encode()),
        session_id=body.get("session_id"),
    )


def flow_run(id: str = "", **body: Any) -> CreateFlowRun:
    return CreateFlowRun(
        new=_new_run(id or new_id(), body),
        flow_id=body.get("flow_id", ""),
        flow_name="" if "flow_id" in body else body.get("flow_name", "flow"),
        flow_version="",
        parameters=None,
        idempotency_key=body.get("idempotency_key"),
        parent_task_run_id=body.get("parent_task_run_id"),
        deployment_id=body.get("deployment_id"),
        work_queue_id=body.get("work_queue_id"),
        infrastructure_pid=body.get("infrastructure_pid", ""),
        auto_scheduled=body.get("auto_scheduled", False),
    )


def task_run(flow_run_id: str | None, id: str = "", **body: Any) -> CreateTaskRun:
    return CreateTaskRun(
        new=_new_run(id or new_id(), {**body, "flow_run_id": flow_run_id}),
        flow_run_id=flow_run_id,
        task_key=body.get("task_key", "task"),
        dynamic_key=body.get("dynamic_key", ""),
        task_version="",
        upstream_task_run_ids=[],
    )


def proposal(run_id: str, type_: StateType, kind: RunKind = FLOW_RUN, **body: Any) -> Proposal:
    """`id`, `name`, `message`, `due` (microseconds) or all `details`, `data`, `expected`, `force`, `session_id`,
    `fencing_token`, `claim`."""
    transition_id = body.get("id") or new_id()
    details = StateDetails(scheduled_time=body["due"]) if "due" in body else body.get("details")
    state = State(
        type_,
        body.get("name") or DEFAULT_NAMES[type_],
        body.get("message", ""),
        details,
        body.get("data"),
        transition_id,
    )
    return Proposal(
        transition_id,
        kind,
        run_id,
        state,
        body.get("expected", ""),
        body.get("force", False),
        body.get("session_id"),
        digest_of(repr((run_id, kind, type_, sorted(body.items(), key=str))).encode()),
        body.get("fencing_token", 0),
        body.get("claim", False),
    )


def propose(run_id: str, type_: StateType, kind: RunKind = FLOW_RUN, **body: Any) -> ProposeTransition:
    return ProposeTransition(proposal(run_id, type_, kind, **body))


class Writing:
    """A writer's transactions on one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = START
        #: Of the last transaction.
        self.changes: Changes | None = None

    def together(self, *operations: Operation) -> list[Any]:
        """Does all in one transaction; the answers may be errors."""
        outcomes: list[Outcome] = []
        writer = Writer(self.engine, lambda: self.now, outcomes.append, hand_over_freed)
        for operation in operations:
            writer.submit(operation, lambda answer: None)
        writer.start()
        writer.stop()
        (outcome,) = outcomes
        self.changes = outcome.changes
        return [answer for _, answer in outcome.answers]

    def do(self, operation: Operation) -> Any:
        """The answer of one operation alone; raises what it raises."""
        (answer,) = self.together(operation)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def flow_run(self, **body: Any) -> str:
        return str(self.do(flow_run(**body)))

    def task_run(self, flow_run_id: str | None, **body: Any) -> str:
        return str(self.do(task_run(flow_run_id, **body)))

    def propose(self, run_id: str, type_: StateType, kind: RunKind = FLOW_RUN, **body: Any) -> Any:
        return self.do(propose(run_id, type_, kind, **body))

    def rows(self, table: Table, **where: Any) -> list[Any]:
        """What is committed, in the order of the first column."""
        with self.engine.begin() as connection:
            query = table.select().order_by(*table.primary_key.columns)
            return list(connection.execute(query.where(*(table.c[key] == value for key, value in where.items()))))

    def row(self, table: Table, **where: Any) -> Any:
        (row,) = self.rows(table, **where)
        return row

    def everything(self) -> dict[str, list[Any]]:
        """All rows of all tables, to see that nothing was written."""
        return {name: self.rows(table) for name, table in all_tables.metadata.tables.items()}


RETRY_ONCE = RetryPolicy(1, (10 * SECOND,))


def new_deployment(name: str = "d", limit: int | None = 1, flow_name: str = "flow", **more: Any) -> CreateDeployment:
    """Creates a deployment that differs from a plain one in `more`."""
    plain = {
        "name": name,
        "paused": False,
        "collision_strategy": 1,
        "grace_period": None,
        "work_queue_id": None,
        "tags": "[]",
        "concurrency_limit": limit,
        "schedules": (),
    }
    return CreateDeployment("", flow_name, {**plain, **more})
