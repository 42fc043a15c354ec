"""Deleting runs with all that belongs to them."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Delete, and_, select

from antiphon_server.application import transitions
from antiphon_server.domain.decision import Tell, TellHolder
from antiphon_server.domain.errors import not_found
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT, SCHEDULED
from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import FinalVerdict, WorkingSet


def delete_runs(working_set: WorkingSet, kind: RunKind, ids: Sequence[str]) -> None:
    """Deletes runs, which must be there, with all that belongs to them. Call `flush` before."""
    for some in chunks(ids):
        if kind is RunKind.FLOW_RUN:
            inner = tables.task_runs
            found = working_set.connection.execute(select(inner.c.id).where(inner.c.flow_run_id.in_(some))).scalars()
            delete_runs(working_set, RunKind.TASK_RUN, list(found))
        _delete_some(working_set, kind, some)


def _delete_some(working_set: WorkingSet, kind: RunKind, ids: Sequence[str]) -> None:
    """Deletes runs and what belongs to them, with few statements however many they are."""
    table, connection = tables.RUNS[kind], working_set.connection
    around = table.c.id if kind is RunKind.FLOW_RUN else table.c.flow_run_id
    for id, flow_run_id in connection.execute(select(table.c.id, around).where(table.c.id.in_(ids))):
        working_set.changes.runs[kind, id] = flow_run_id
    held = select(table.c.id, table.c.session_id).where(table.c.id.in_(ids), table.c.session_id.is_not(None))
    for id, holder in connection.execute(held).fetchall():
        transitions.tell_holder(working_set, kind, id, TellHolder(holder, Tell.REVOKE, f"the {kind.noun} was deleted"))
    for wait in working_set.waiting.end(tables.waits.c.run_id.in_(ids)):
        gone = not_found(kind.noun, wait.run_id)
        working_set.changes.final_verdicts.append(
            FinalVerdict(wait.session_id, wait.sequence, wait.transition_id, gone)
        )
    holders = select(table.c.id).where(table.c.id.in_(ids), table.c.holds_slots)
    for id in connection.execute(holders).scalars().all():
        working_set.slots.give_back(id)
    for belongings in _belongings(kind, ids):
        connection.execute(belongings)
    working_set.surroundings.forget()  # Their results are not handed out any more.
    connection.execute(table.delete().where(table.c.id.in_(ids)))
    working_set.changes.ended_runs += ids
    working_set.reload(kind, ids)


def _belongings(kind: RunKind, ids: Sequence[str]) -> Iterator[Delete]:
    """Deletions of what nobody would ask for without the runs."""
    made = select(tables.transitions.c.id).where(tables.transitions.c.run_id.in_(ids))
    yield tables.cache_entries.delete().where(tables.cache_entries.c.id.in_(made))
    yield tables.transitions.delete().where(tables.transitions.c.run_id.in_(ids))
    yield tables.slot_waiters.delete().where(tables.slot_waiters.c.run_id.in_(ids))
    of_run = tables.logs.c.flow_run_id if kind is RunKind.FLOW_RUN else tables.logs.c.task_run_id
    yield tables.logs.delete().where(of_run.in_(ids))
    if kind is RunKind.FLOW_RUN:
        yield tables.flow_run_inputs.delete().where(tables.flow_run_inputs.c.flow_run_id.in_(ids))


def unclaimed(schedule_ids: Sequence[str]) -> ColumnElement[bool]:
    """Of the runs of schedules, those that nobody has claimed yet. One that waits for a slot has been, though its time
    may be put off."""
    runs = tables.flow_runs.c
    return and_(
        runs.schedule_id.in_(schedule_ids),
        runs.next_scheduled_start_time.is_not(None),
        runs.state_type == SCHEDULED,
        runs.state_name != AWAITING_CONCURRENCY_SLOT,
        runs.run_count == 0,
    )


def delete_planned(working_set: WorkingSet, schedule_ids: Sequence[str]) -> None:
    """Deletes the runs that schedules have planned ahead; those that are due stay, and those that wait to go on."""
    runs = tables.flow_runs.c
    working_set.flush()
    for some in chunks(schedule_ids):
        ahead = select(runs.id).where(unclaimed(some), runs.next_scheduled_start_time > working_set.now)
        delete_runs(working_set, RunKind.FLOW_RUN, list(working_set.connection.execute(ahead).scalars()))
