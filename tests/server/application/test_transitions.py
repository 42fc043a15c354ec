"""Proposals on a database: the memory of verdicts, what is written, and what follows for others."""

from itertools import pairwise
from typing import Any

import pytest

from antiphon_server.application.edits import Delete
from antiphon_server.application.explaining import ExplainTransition
from antiphon_server.application.operations import CancelFlowRun
from antiphon_server.domain.decision import Tell
from antiphon_server.domain.errors import AlreadyExists, FailedPrecondition, NotFound
from antiphon_server.domain.model import RetryPolicy
from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    SCHEDULED,
    VerdictKind,
)
from antiphon_server.storage import tables
from antiphon_server.storage.records import decode_details
from writing import FLOW_RUN, RETRY_ONCE, SECOND, START, TASK_RUN, Writing, flow_run, new_id, proposal, propose

ACCEPT, REJECT, WAIT, ABORT = VerdictKind
LONGEST_SPAN = 315_576_000_000 * SECOND
LAST_TIME = 253_402_300_800 * SECOND - 1


def states(writing: Writing, run_id: str) -> list[str]:
    """Names of the states that a run entered, oldest first."""
    entered = [row for row in writing.rows(tables.transitions, run_id=run_id) if row.wrote_state]
    return [row.state_name for row in sorted(entered, key=lambda row: row.create_time)]


def test_an_accepted_state_is_written_under_the_proposals_id(writing: Writing) -> None:
    run = writing.flow_run()
    verdict = writing.propose(run, RUNNING, message="go", data=b"payload", due=START)
    assert (verdict.kind, verdict.state.id, verdict.state.time) == (ACCEPT, verdict.transition_id, START)
    stored = writing.row(tables.transitions)
    assert (stored.id, stored.run_id, stored.wrote_state) == (verdict.transition_id, run, True)
    assert (stored.state_type, stored.state_name, stored.message, stored.data) == (3, "Running", "go", b"payload")
    details = decode_details(stored.details)
    assert details is not None
    assert details.scheduled_time == START
    held = writing.row(tables.flow_runs)
    assert (held.state_id, held.state_type, held.state_name, held.state_time) == (stored.id, 3, "Running", START)
    assert (held.version, held.update_time) == (2, START)


@pytest.mark.parametrize(
    ("origin", "target", "kind"),
    [(None, RUNNING, ACCEPT), (RUNNING, FAILED, REJECT), (COMPLETED, CANCELLING, ABORT)],
)
def test_the_same_proposal_gets_the_same_verdict(writing: Writing, origin: Any, target: Any, kind: VerdictKind) -> None:
    run = writing.flow_run(retry_policy=RETRY_ONCE)
    if origin is not None:
        writing.propose(run, origin)
    operation = propose(run, target)
    first, in_the_same_batch = writing.together(operation, operation)
    assert first.kind is kind
    assert in_the_same_batch == first
    before = writing.everything()
    writing.now += 5 * SECOND
    assert writing.do(operation) == first
    assert writing.everything() == before
    writing.propose(run, CANCELLED, force=True)
    assert writing.do(operation) == first, "whatever has happened since"


def test_a_run_that_stays_as_it_was_answers_with_the_state_that_held(writing: Writing) -> None:
    run = writing.flow_run()
    completed = writing.propose(run, COMPLETED, data=b"result").state
    operation = propose(run, RUNNING)
    verdict = writing.do(operation)
    assert (verdict.kind, verdict.state) == (REJECT, completed)
    memory = writing.row(tables.transitions, id=verdict.transition_id)
    assert (memory.wrote_state, memory.held_state_id, memory.state_type) == (False, completed.id, None)
    assert writing.row(tables.flow_runs).state_id == completed.id
    assert writing.do(operation) == verdict


def test_where_no_state_holds_none_is_shown(writing: Writing) -> None:
    run = writing.flow_run(session_id="holder")
    operation = propose(run, RUNNING, session_id="stranger")
    verdict = writing.do(operation)
    assert (verdict.kind, verdict.state) == (ABORT, None)
    assert writing.do(operation) == verdict


@pytest.mark.parametrize("together", [True, False])
def test_a_transition_id_with_another_body_is_refused(writing: Writing, together: bool) -> None:
    run, other = writing.flow_run(), writing.flow_run()
    id = writing.propose(run, RUNNING).transition_id
    before = writing.everything()
    wrong = [propose(run, COMPLETED, id=id), propose(run, RUNNING, id=id, force=True), propose(other, RUNNING, id=id)]
    answers = writing.together(*wrong) if together else [writing.together(each)[0] for each in wrong]
    for answer in answers:
        assert isinstance(answer, AlreadyExists)
        assert (answer.reason, answer.field) == ("TRANSITION_ID_REUSED", "proposal.transition_id")
    assert writing.everything() == before


@pytest.mark.parametrize(("kind", "reason"), [(FLOW_RUN, "FLOW_RUN_NOT_FOUND"), (TASK_RUN, "TASK_RUN_NOT_FOUND")])
def test_a_run_that_is_not_there(writing: Writing, kind: Any, reason: str) -> None:
    with pytest.raises(NotFound) as refused:
        writing.propose(new_id(), RUNNING, kind)
    assert refused.value.reason == reason
    assert writing.rows(tables.transitions) == []


def test_wait_is_not_remembered(writing: Writing) -> None:
    run = writing.flow_run()
    writing.propose(run, SCHEDULED, due=START + SECOND)
    operation = propose(run, RUNNING)
    before = writing.everything()
    verdict = writing.do(operation)
    assert (verdict.kind, verdict.wait_until, verdict.state.name) == (WAIT, START + SECOND, "Scheduled")
    assert writing.everything() == before
    writing.now += SECOND
    assert writing.do(operation).kind is ACCEPT


def test_a_retry_is_written_in_place_of_the_failure(writing: Writing) -> None:
    run = writing.flow_run(retry_policy=RETRY_ONCE)
    writing.propose(run, RUNNING)
    verdict = writing.propose(run, FAILED, message="boom")
    assert (verdict.kind, verdict.state.name, verdict.state.message) == (REJECT, "AwaitingRetry", "boom")
    assert verdict.state.id == verdict.transition_id
    assert writing.row(tables.flow_runs).next_scheduled_start_time == START + 10 * SECOND
    writing.now += 10 * SECOND
    assert writing.propose(run, RUNNING).state.name == "Running"
    assert writing.propose(run, FAILED).kind is ACCEPT
    assert states(writing, run) == ["Running", "AwaitingRetry", "Running", "Failed"]


def test_a_task_run_says_that_it_is_retried_and_what_failed_is_kept_meanwhile(writing: Writing) -> None:
    around = writing.flow_run()
    writing.propose(around, RUNNING)
    task = writing.task_run(around, retry_policy=RETRY_ONCE)
    writing.propose(task, RUNNING, TASK_RUN)
    verdict = writing.propose(task, FAILED, TASK_RUN, message="boom", data=b"error")
    assert (verdict.kind, verdict.state.name, verdict.state.data) == (REJECT, "AwaitingRetry", b"error")
    writing.now += 10 * SECOND
    assert writing.propose(task, RUNNING, TASK_RUN).state.name == "Retrying"
    assert writing.propose(task, FAILED, TASK_RUN).kind is ACCEPT
    assert writing.propose(task, RUNNING, TASK_RUN).state.name == "Running", "a fresh start"
    assert writing.row(tables.task_runs).run_count == 1
    writing.propose(task, FAILED, TASK_RUN, force=True)
    assert writing.propose(task, RUNNING, TASK_RUN, force=True).run_count == 2, "force counts on"


def test_the_longest_delay_with_the_most_jitter_is_still_a_time(writing: Writing) -> None:
    run = writing.flow_run(retry_policy=RetryPolicy(1, (LONGEST_SPAN,), 1000.0))
    writing.propose(run, RUNNING)
    verdict = writing.propose(run, FAILED)
    assert verdict.kind is REJECT
    assert verdict.state.scheduled_time == LAST_TIME
    assert writing.row(tables.flow_runs).state_scheduled_time == LAST_TIME


def test_times_of_one_run_rise_though_the_clock_stands_still_or_goes_back(writing: Writing) -> None:
    run = writing.flow_run()
    writing.together(propose(run, SCHEDULED), propose(run, PENDING), propose(run, RUNNING))
    writing.now -= SECOND
    writing.propose(run, COMPLETED)
    assert states(writing, run) == ["Scheduled", "Pending", "Running", "Completed"]
    times = sorted(row.create_time for row in writing.rows(tables.transitions))
    assert times == [START, START + 1, START + 2, START + 3]
    held = writing.row(tables.flow_runs)
    assert (held.start_time, held.end_time, held.total_run_time) == (START + 2, START + 3, 1)


def test_a_proposer_that_names_the_state_is_answered_only_if_it_is_right(writing: Writing) -> None:
    run = writing.flow_run()
    pending = writing.propose(run, PENDING).transition_id
    assert writing.propose(run, RUNNING, expected=new_id()).kind is ABORT
    first, second = writing.together(propose(run, RUNNING, expected=pending), propose(run, FAILED, expected=pending))
    assert (first.kind, second.kind) == (ACCEPT, ABORT)


def test_explaining_says_what_would_be_decided_and_writes_nothing(writing: Writing) -> None:
    run = writing.flow_run(retry_policy=RETRY_ONCE)
    for type_ in (SCHEDULED, RUNNING, FAILED, RUNNING, CANCELLED):
        before = writing.everything()
        id = new_id()
        explained = writing.do(ExplainTransition(proposal(run, type_, id=id)))
        assert writing.everything() == before
        assert writing.do(ExplainTransition(proposal(run, type_, id=id))) == explained
        assert writing.propose(run, type_, id=id) == explained.verdict


def test_explaining_leaves_no_trace_in_its_batch(writing: Writing) -> None:
    run = writing.flow_run()
    explained, running = writing.together(ExplainTransition(proposal(run, COMPLETED)), propose(run, RUNNING))
    assert (explained.verdict.state.name, running.kind, running.state.name) == ("Completed", ACCEPT, "Running")
    assert states(writing, run) == ["Running"]


def test_explaining_what_was_decided_shows_the_memory(writing: Writing) -> None:
    run = writing.flow_run()
    operation = propose(run, RUNNING)
    verdict = writing.do(operation)
    writing.propose(run, COMPLETED)
    assert writing.do(ExplainTransition(operation.proposal)).verdict == verdict
    with pytest.raises(NotFound):
        writing.do(ExplainTransition(proposal(new_id(), RUNNING)))


@pytest.mark.parametrize("together", [True, False])
def test_a_subflow_is_mirrored_by_the_task_run_that_stands_for_it(writing: Writing, together: bool) -> None:
    around = writing.flow_run(session_id="s")
    writing.propose(around, RUNNING, session_id="s")
    stand_in = writing.task_run(around, session_id="s")
    child = new_id()
    steps = [
        flow_run(child, parent_task_run_id=stand_in, session_id="s"),
        propose(child, RUNNING, session_id="s"),
        propose(child, COMPLETED, session_id="s", data=b"result", message="done"),
    ]
    if together:
        writing.together(*steps)
    else:
        for step in steps:
            writing.do(step)
    assert states(writing, stand_in) == states(writing, child) == ["Running", "Completed"]
    mirror = writing.row(tables.task_runs)
    assert (mirror.state_name, mirror.run_count, mirror.flow_run_run_count) == ("Completed", 1, 1)
    assert (mirror.session_id, mirror.state_has_data) == (None, True)
    entered = writing.row(tables.transitions, id=mirror.state_id)
    details = decode_details(entered.details)
    assert details is not None
    assert (entered.data, entered.message, details.child_flow_run_id) == (b"result", "done", child)


def test_a_verdict_that_writes_nothing_is_not_mirrored(writing: Writing) -> None:
    stand_in = writing.task_run(writing.flow_run())
    child = writing.flow_run(parent_task_run_id=stand_in)
    writing.propose(child, COMPLETED, data=b"x")
    assert writing.propose(child, RUNNING).kind is REJECT
    assert states(writing, stand_in) == ["Completed"]


def test_a_subflow_whose_stand_in_is_gone_goes_on(writing: Writing) -> None:
    stand_in = writing.task_run(None)
    child = writing.flow_run(parent_task_run_id=stand_in)
    writing.do(Delete("task run", stand_in, ""))
    assert writing.propose(child, RUNNING).kind is ACCEPT
    assert writing.rows(tables.task_runs) == []


def commands(writing: Writing) -> list[tuple[Any, ...]]:
    rows = sorted(writing.rows(tables.commands), key=lambda row: str(row.id))
    return [(row.session_id, row.kind, row.flow_run_id, row.task_run_id, row.reason) for row in rows]


def test_who_holds_a_run_is_told_what_others_do_to_it(writing: Writing) -> None:
    run = writing.flow_run(session_id="holder")
    writing.propose(run, RUNNING, session_id="holder")
    writing.propose(run, CANCELLING, session_id="stranger", message="enough")
    assert commands(writing) == [("holder", Tell.CANCEL.value, run, None, "enough")]
    writing.propose(run, CANCELLED, session_id="stranger", force=True)
    revoked = "the run was set to Cancelled by somebody else"
    assert commands(writing)[1:] == [("holder", Tell.REVOKE.value, run, None, revoked)]
    assert writing.changes is not None
    assert [row["kind"] for row in writing.changes.commands] == [Tell.REVOKE.value]
    assert writing.row(tables.flow_runs).session_id is None


def test_who_moves_its_own_run_is_told_nothing(writing: Writing) -> None:
    run = writing.flow_run(session_id="holder")
    for type_ in (RUNNING, CANCELLING, CANCELLED):
        writing.propose(run, type_, session_id="holder")
    assert commands(writing) == []


def test_cancelling_is_asked_for_once_and_never_after_the_end(writing: Writing) -> None:
    run = writing.flow_run(session_id="holder")
    writing.propose(run, RUNNING, session_id="holder")
    writing.together(CancelFlowRun(run, "enough", new_id()), CancelFlowRun(run, "enough", new_id()))
    assert states(writing, run) == ["Running", "Cancelling"]
    assert len(commands(writing)) == 1
    writing.propose(run, CANCELLED, session_id="holder")
    with pytest.raises(FailedPrecondition) as refused:
        writing.do(CancelFlowRun(run, "", new_id()))
    assert refused.value.reason == "RUN_TERMINAL"
    with pytest.raises(NotFound):
        writing.do(CancelFlowRun(new_id(), "", new_id()))


def test_history_is_one_line_of_ids(writing: Writing) -> None:
    run = writing.flow_run()
    ids = [writing.propose(run, type_).transition_id for type_ in (SCHEDULED, RUNNING, COMPLETED, RUNNING)]
    written = sorted(writing.rows(tables.transitions), key=lambda row: row.create_time)
    assert [row.id for row in written] == ids
    assert all(earlier.create_time < later.create_time for earlier, later in pairwise(written))
