"""What stops with others: below a flow run that stops its subflows are asked to, and task runs that nobody works on are
ended; runs that hold what another one is to have are asked to as well."""

from collections.abc import Iterator, Set
from typing import Any

from sqlalchemy import ColumnElement, select, true
from uuid_utils import uuid7

from antiphon_server.domain.decision import EndPutOff, StopBelow, StopOthers
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.states import CANCELLED, CANCELLING, DEFAULT_NAMES, LIVE, PAUSED, RUNNING, StateType
from antiphon_server.storage.tables import flow_runs, slots, task_runs
from antiphon_server.storage.working_set import WorkingSet


def stopped_by(
    working_set: WorkingSet, flow_run_id: str, effect: StopBelow | StopOthers | EndPutOff
) -> Iterator[Proposal]:
    """The server's own proposals that follow from an effect on a flow run."""
    if isinstance(effect, StopOthers):
        return _stop_holders(working_set, flow_run_id, effect)
    if isinstance(effect, EndPutOff):
        return _end_put_off(working_set, flow_run_id)
    return _stop_below(working_set, flow_run_id, effect)


def _stop_below(working_set: WorkingSet, flow_run_id: str, effect: StopBelow) -> Iterator[Proposal]:
    """Task runs in the hands of the process that runs the flow are its to end; those that
    another one works on are taken from it."""
    working_set.flush()
    connection = working_set.connection
    tasks = task_runs.c
    mine = tasks.flow_run_id == flow_run_id
    subflows = (
        select(flow_runs.c.id)
        .join(task_runs, flow_runs.c.parent_task_run_id == tasks.id)
        .where(mine, _in(flow_runs.c.state_type, LIVE - {CANCELLING}))
    )
    asked = sorted(connection.execute(subflows).scalars())
    mirrored = select(flow_runs.c.parent_task_run_id).where(flow_runs.c.parent_task_run_id == tasks.id).exists()
    stopped = LIVE if effect.final else LIVE - {RUNNING}
    orphans = select(tasks.id).where(mine, _in(tasks.state_type, stopped), ~mirrored, _not_of(effect.holder))
    ended = sorted(connection.execute(orphans).scalars())
    working_set.load_runs(RunKind.FLOW_RUN, set(asked))
    working_set.load_runs(RunKind.TASK_RUN, set(ended))
    for id in asked:
        yield _proposal(RunKind.FLOW_RUN, id, CANCELLING, effect.reason)
    for id in ended:
        yield _proposal(RunKind.TASK_RUN, id, CANCELLED, effect.reason)


def _end_put_off(working_set: WorkingSet, flow_run_id: str) -> Iterator[Proposal]:
    """A subflow's pause is its own, and so is the task run that stands for it."""
    working_set.flush()
    tasks = task_runs.c
    subflow = select(flow_runs.c.parent_task_run_id).where(flow_runs.c.parent_task_run_id == tasks.id).exists()
    put_off = select(tasks.id).where(tasks.flow_run_id == flow_run_id, tasks.state_type == PAUSED, ~subflow)
    found = sorted(working_set.connection.execute(put_off).scalars())
    working_set.load_runs(RunKind.TASK_RUN, set(found))
    for id in found:
        yield _proposal(RunKind.TASK_RUN, id, CANCELLED, "the flow run around it ended before it was resumed")


def _stop_holders(working_set: WorkingSet, run_id: str, effect: StopOthers) -> Iterator[Proposal]:
    """For the flow runs that hold slots of a limit, but for the one that waits for it."""
    working_set.flush()
    holders = select(flow_runs.c.id).join(slots, slots.c.holder_id == flow_runs.c.id)
    holders = holders.where(slots.c.limit_id == effect.limit_id, flow_runs.c.id != run_id)
    others = working_set.connection.execute(holders.where(_in(flow_runs.c.state_type, LIVE - {CANCELLING}))).scalars()
    found = sorted(others)
    working_set.load_runs(RunKind.FLOW_RUN, set(found))
    for id in found:
        yield _proposal(RunKind.FLOW_RUN, id, CANCELLING, effect.reason)


def _in(column: ColumnElement[Any], states: Set[StateType]) -> ColumnElement[bool]:
    return column.is_(None) | column.in_(states)


def _not_of(holder: str | None) -> ColumnElement[bool]:
    column = task_runs.c.session_id
    return true() if holder is None else column.is_distinct_from(holder)


def _proposal(kind: RunKind, run_id: str, type_: StateType, reason: str) -> Proposal:
    force = kind is RunKind.TASK_RUN
    return Proposal(str(uuid7()), kind, run_id, State(type_, DEFAULT_NAMES[type_], reason), force=force)
