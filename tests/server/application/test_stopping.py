"""What stops with a flow run: subflows are asked, task runs that nobody works on are ended."""

from typing import Any

import pytest

from antiphon_server.application.operations import CancelFlowRun
from antiphon_server.domain.deadlines import STOP
from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    StateType,
    VerdictKind,
)
from antiphon_server.storage import tables
from writing import FLOW_RUN, RETRY_ONCE, TASK_RUN, Writing, new_id, propose, task_run

FLOWS, TASKS = tables.flow_runs, tables.task_runs


def name_of(writing: Writing, id: str) -> str | None:
    rows = writing.rows(FLOWS, id=id) or writing.rows(TASKS, id=id)
    state: str | None = rows[0].state_name
    return state


def cancel(writing: Writing, run: str, reason: str = "enough") -> Any:
    return writing.do(CancelFlowRun(run, reason, new_id()))


def running(writing: Writing, **body: Any) -> str:
    """A flow run that a session runs, or nobody in particular."""
    run = writing.flow_run(**body)
    writing.propose(run, RUNNING, session_id=body.get("session_id"))
    return run


def task(writing: Writing, around: str, type_: StateType | None, session: str | None = None, **body: Any) -> str:
    id = writing.task_run(around, session_id=session, **body)
    if type_ is not None:
        writing.propose(id, type_, TASK_RUN, session_id=session)
    return id


def subflow(writing: Writing, around: str, type_: StateType, session: str | None = None) -> tuple[str, str]:
    """A flow run in another, and the task run that stands for it."""
    stand_in = writing.task_run(around, session_id=session)
    child = writing.flow_run(parent_task_run_id=stand_in, session_id=session)
    writing.propose(child, type_, session_id=session)
    return child, stand_in


def commands(writing: Writing) -> set[tuple[str, str, str | None]]:
    return {(row.session_id, row.kind, row.flow_run_id or row.task_run_id) for row in writing.rows(tables.commands)}


def test_task_runs_that_nobody_works_on_are_ended(writing: Writing) -> None:
    run = running(writing, session_id="s")
    orphans = [task(writing, run, type_) for type_ in (None, SCHEDULED, PENDING, PAUSED)]
    works = task(writing, run, RUNNING)
    done = task(writing, run, COMPLETED)
    elsewhere = task(writing, running(writing), PENDING)
    cancel(writing, run)
    assert [name_of(writing, each) for each in orphans] == ["Cancelled"] * 4
    assert (name_of(writing, works), name_of(writing, done)) == ("Running", "Completed"), "it may still end by itself"
    assert name_of(writing, elsewhere) == "Pending"
    assert {row.message for row in writing.rows(tables.transitions, run_id=orphans[0])} == {"enough"}
    writing.propose(run, CANCELLED, session_id="s")
    assert name_of(writing, works) == "Cancelled", "nothing goes on below what has ended"


def test_the_holder_ends_what_it_works_on_by_itself(writing: Writing) -> None:
    run = running(writing, session_id="s")
    own = [task(writing, run, type_, "s") for type_ in (PENDING, RUNNING)]
    others = [task(writing, run, type_, "other") for type_ in (PENDING, RUNNING)]
    cancel(writing, run)
    assert [name_of(writing, each) for each in (*own, *others)] == ["Pending", "Running", "Cancelled", "Running"]
    assert commands(writing) == {("s", "cancel_run", run), ("other", "revoke_run", others[0])}
    writing.propose(run, CANCELLED, session_id="s")
    assert [name_of(writing, each) for each in (*own, *others)] == ["Pending", "Running", "Cancelled", "Cancelled"]
    assert ("other", "revoke_run", others[1]) in commands(writing)


def test_what_is_cancelled_is_not_tried_again(writing: Writing) -> None:
    run = running(writing, session_id="s")
    retried = task(writing, run, RUNNING, retry_policy=RETRY_ONCE)
    writing.propose(run, CANCELLING, session_id="s")
    writing.propose(run, CANCELLED, session_id="s")
    assert name_of(writing, retried) == "Cancelled"


def test_a_subflow_is_asked_and_its_holder_told(writing: Writing) -> None:
    run = running(writing, session_id="s")
    child, stand_in = subflow(writing, run, RUNNING, "worker")
    cancel(writing, run)
    assert [name_of(writing, each) for each in (child, stand_in)] == ["Cancelling", "Cancelling"]
    assert commands(writing) == {("s", "cancel_run", run), ("worker", "cancel_run", child)}
    assert writing.row(FLOWS, id=child).deadline_time == writing.row(FLOWS, id=child).state_time + STOP
    writing.propose(child, CANCELLED, session_id="worker")
    assert [name_of(writing, each) for each in (child, stand_in)] == ["Cancelled", "Cancelled"]


def test_a_subflow_that_waits_is_cancelled_and_the_end_of_its_parent_asks_no_second_time(writing: Writing) -> None:
    run = running(writing, session_id="s")
    waits, stand_in = subflow(writing, run, SCHEDULED)
    works, _ = subflow(writing, run, RUNNING, "worker")
    cancel(writing, run)
    assert [name_of(writing, each) for each in (waits, stand_in, works)] == ["Cancelled", "Cancelled", "Cancelling"]
    before = commands(writing)
    writing.propose(run, CANCELLED, session_id="s")
    assert (name_of(writing, works), commands(writing)) == ("Cancelling", before)


def test_it_reaches_all_the_way_down(writing: Writing) -> None:
    top = running(writing, session_id="s")
    middle, _ = subflow(writing, top, RUNNING, "m")
    bottom, _ = subflow(writing, middle, RUNNING, "b")
    leaf = task(writing, bottom, PENDING)
    cancel(writing, top)
    assert {name_of(writing, each) for each in (top, middle, bottom)} == {"Cancelling"}
    assert name_of(writing, leaf) == "Cancelled"
    assert {session for session, kind, _ in commands(writing) if kind == "cancel_run"} == {"s", "m", "b"}
    assert {row.reason for row in writing.rows(tables.commands)} == {"enough"}


@pytest.mark.parametrize("type_", [PENDING, RUNNING])
def test_who_runs_without_a_session_has_a_deadline(writing: Writing, type_: StateType) -> None:
    run = writing.flow_run()
    writing.propose(run, type_)
    verdict = cancel(writing, run)
    assert (verdict.kind, verdict.state.name) == (VerdictKind.ACCEPT, "Cancelling")
    row = writing.row(FLOWS)
    assert row.deadline_time == row.state_time + STOP
    writing.propose(run, CANCELLED)
    assert writing.row(FLOWS).deadline_time is None


@pytest.mark.parametrize(
    ("pid", "name", "ends"),
    [("", "", "Cancelled"), ("pid", "", "Cancelling"), ("pid", "Resuming", "Cancelled")],
)
def test_what_is_scheduled_is_cancelled_unless_somebody_started_it(
    writing: Writing, pid: str, name: str, ends: str
) -> None:
    run = writing.flow_run(infrastructure_pid=pid)
    writing.propose(run, SCHEDULED, name=name)
    cancel(writing, run)
    assert name_of(writing, run) == ends


def test_a_flow_run_cancelled_by_force_takes_what_is_below_with_it(writing: Writing) -> None:
    run = running(writing, session_id="s")
    own, other = task(writing, run, RUNNING, "s"), task(writing, run, RUNNING, "other")
    writing.propose(run, CANCELLED, force=True)
    assert (name_of(writing, own), name_of(writing, other)) == ("Running", "Cancelled")
    assert ("s", "revoke_run", run) in commands(writing)


def test_any_other_end_leaves_what_is_below_alone(writing: Writing) -> None:
    run = running(writing)
    inner = task(writing, run, PENDING)
    child, _ = subflow(writing, run, RUNNING)
    writing.propose(run, COMPLETED)
    assert (name_of(writing, inner), name_of(writing, child)) == ("Pending", "Running")


def test_what_came_in_the_same_transaction_is_stopped_too(writing: Writing) -> None:
    run, inner = running(writing), new_id()
    writing.together(
        task_run(run, inner), propose(inner, PENDING, TASK_RUN), propose(run, CANCELLING, FLOW_RUN, message="now")
    )
    assert name_of(writing, inner) == "Cancelled"


@pytest.mark.parametrize("end", [CRASHED, FAILED])
def test_what_a_pause_has_put_off_ends_with_a_flow_run_that_is_lost_in_it(writing: Writing, end: StateType) -> None:
    """Its session is lost, or its pause is over: nobody asks for the task run again."""
    run = running(writing, session_id="s")
    child, stand_in = subflow(writing, run, RUNNING, "s")
    writing.propose(child, PAUSED, session_id="s")
    writing.propose(run, PAUSED)
    late = task(writing, run, RUNNING, "s")
    assert name_of(writing, late) == "NotReady"
    others = task(writing, running(writing), PAUSED)
    writing.propose(run, end, session_id="s", force=True)
    assert name_of(writing, late) == "Cancelled"
    assert [name_of(writing, each) for each in (child, stand_in, others)] == ["Paused"] * 3


def test_code_that_goes_to_its_end_answers_for_its_own(writing: Writing) -> None:
    run = running(writing, session_id="s")
    put_off = task(writing, run, PAUSED, "s")
    writing.propose(run, FAILED, session_id="s")
    assert name_of(writing, put_off) == "Paused"
