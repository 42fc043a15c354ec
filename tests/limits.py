"""Concurrency limits, deployments and work queues in a database without a server, and sessions that ask for slots."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from antiphon.v1 import state_pb2, transition_pb2
from antiphon_server.application.handing_over import hand_over
from antiphon_server.application.operations import ProposeOnSession
from antiphon_server.application.proposals import proposal_from
from antiphon_server.domain import limit_names
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import StateType
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet
from writing import FLOW_RUN, TASK_RUN, Writing, new_id


@dataclass
class Act:
    """An operation that a test makes up."""

    act: Callable[[WorkingSet], Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Any:
        return self.act(working_set)


def reclaim() -> Act:
    """Frees what has expired, as a service does when the time has come."""
    return Act(lambda working_set: working_set.slots.reclaim())


def speak(run_id: str, type_: StateType, kind: RunKind = TASK_RUN, *, by: str = "s", **body: Any) -> ProposeOnSession:
    """A session's proposal as its frame says it; `body` are fields of the message."""
    state = state_pb2.State(type=int(type_), name=body.pop("name", ""))  # type: ignore[arg-type]
    details = body.pop("details", None)
    if details is not None:
        state.details.CopyFrom(details)
    run = {"flow_run_id" if kind is FLOW_RUN else "task_run_id": run_id}
    message = transition_pb2.Proposal(transition_id=new_id(), state=state, **run, **body)
    said = message.SerializeToString()
    return ProposeOnSession(proposal_from(message, session_id=by, body=said), 7, said)


class Limits:
    """What bounds the runs of a database."""

    def __init__(self, database: Any, writing: Writing) -> None:
        self._database = database
        self._writing = writing

    def add(self, name: str, slots: int = 1, **more: Any) -> str:
        """A limit; gives its id."""
        return self._added(tables.concurrency_limits, name=name, slots=slots, **more)

    def tag(self, tag: str, slots: int = 1, **more: Any) -> str:
        return self.add(limit_names.of_tag(tag), slots, **more)

    def deployment(self, slots: int | None = 1, **more: Any) -> str:
        """A deployment, with a limit unless `slots` is None."""
        id = self._added(tables.deployments, flow_id=new_id(), **more)
        if slots is not None:
            self.add(limit_names.of_deployment(id), slots)
        return id

    def queue(self, slots: int | None = 1, **more: Any) -> str:
        """A work queue, with a limit unless `slots` is None."""
        pool = self._added(tables.work_pools, name=new_id())
        id = self._added(tables.work_queues, work_pool_id=pool, name="queue", **more)
        if slots is not None:
            self.add(limit_names.of_work_queue(id), slots)
        return id

    def _added(self, table: Table, **row: Any) -> str:
        id = new_id()
        self._database.add(table, {"id": id, **row})
        return id

    def change(self, id: str, **values: Any) -> None:
        """Edits a limit, and hands over what that makes free."""
        limits = tables.concurrency_limits
        self._then_hand_over(id, limits.update().where(limits.c.id == id).values(**values))

    def delete(self, id: str) -> None:
        limits = tables.concurrency_limits
        self._then_hand_over(
            id, limits.delete().where(limits.c.id == id), tables.slots.delete().where(tables.slots.c.limit_id == id)
        )

    def _then_hand_over(self, id: str, *statements: Any) -> None:
        def act(working_set: WorkingSet) -> None:
            working_set.flush()
            for statement in statements:
                working_set.connection.execute(statement)
            working_set.slots.forget()
            hand_over(working_set, [id])

        self._writing.do(Act(act))

    def holders(self, id: str) -> set[str]:
        """Who holds slots of a limit."""
        return {row.holder_id for row in self._writing.rows(tables.slots, limit_id=id)}

    def queued(self, id: str) -> int:
        return len(self._writing.rows(tables.slot_waiters, limit_id=id))
