"""Proposals of sessions that have to wait."""

from typing import Any

import pytest

from antiphon.v1 import state_pb2, transition_pb2
from antiphon_server.application.edits import Delete
from antiphon_server.application.explaining import ExplainTransition
from antiphon_server.application.operations import (
    CancelFlowRun,
    EndWait,
    ProposeOnSession,
)
from antiphon_server.application.proposals import proposal_from
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import AlreadyExists, NotFound
from antiphon_server.domain.states import CANCELLED, FAILED, RUNNING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from writing import FLOW_RUN, SECOND, START, Writing, new_id, proposal, propose

DUE = START + 100 * SECOND


def waiting(writing: Writing, sequence: int = 7) -> ProposeOnSession:
    """A scheduled run, and the proposal to run it before its time."""
    run = writing.flow_run()
    writing.propose(run, SCHEDULED, due=DUE)
    message = transition_pb2.Proposal(
        transition_id=new_id(), flow_run_id=run, state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING)
    )
    body = message.SerializeToString()
    return ProposeOnSession(proposal_from(message, session_id="s", body=body), sequence, body)


def end(operation: ProposeOnSession) -> EndWait:
    return EndWait(operation.proposal.transition_id, FLOW_RUN, operation.proposal.run_id)


def final(writing: Writing) -> tuple[str, int, Any]:
    """The one that the last transaction left for a session."""
    assert writing.changes is not None
    (told,) = writing.changes.final_verdicts
    return told.session_id, told.sequence, told.answer


def nothing_told(writing: Writing) -> bool:
    assert writing.changes is not None
    return writing.changes.final_verdicts == []


def test_a_proposal_that_must_wait_is_kept(writing: Writing) -> None:
    operation = waiting(writing)
    verdict = writing.do(operation)
    assert (verdict.kind, verdict.wait_until) == (VerdictKind.WAIT, DUE)
    row = writing.row(tables.waits)
    assert (row.transition_id, row.run_id) == (operation.proposal.transition_id, operation.proposal.run_id)
    assert (row.session_id, row.sequence, row.until_time, row.proposal) == ("s", 7, DUE, operation.body)
    assert writing.changes is not None
    assert [each["transition_id"] for each in writing.changes.waits] == [operation.proposal.transition_id]
    writing.do(operation)
    assert len(writing.rows(tables.waits)) == 1, "sent again it waits once"


@pytest.mark.parametrize("by", ["s", "another", None])
def test_the_id_of_a_proposal_that_waits_is_not_for_another_body(writing: Writing, by: str | None) -> None:
    operation = waiting(writing)
    id, run = operation.proposal.transition_id, operation.proposal.run_id
    for other in (propose(run, CANCELLED, id=id, session_id=by), propose(writing.flow_run(), RUNNING, id=id)):
        refused = writing.together(operation, other)[1]  # In the very transaction.
        assert isinstance(refused, AlreadyExists)
        before = writing.everything()
        with pytest.raises(AlreadyExists) as later:
            writing.do(other)
        assert (refused.reason, later.value.reason) == ("TRANSITION_ID_REUSED",) * 2
        assert writing.everything() == before
    assert writing.do(operation).kind is VerdictKind.WAIT
    assert writing.row(tables.waits).proposal == operation.body


def test_who_needs_to_know_hears_that_a_wait_is_over(writing: Writing) -> None:
    ended, deleted = waiting(writing), waiting(writing)
    writing.together(ended, deleted)
    ids = [(each.proposal.transition_id, each.proposal.run_id) for each in (ended, deleted)]
    writing.now = DUE
    writing.do(end(ended))
    assert writing.changes is not None
    assert writing.changes.ended_waits == ids[:1]
    writing.do(Delete("flow run", deleted.proposal.run_id, ""))
    assert writing.changes.ended_waits == ids[1:]
    _, reused = writing.together(waiting(writing), propose(writing.flow_run(), RUNNING, id=ids[1][0]))
    assert reused.kind is VerdictKind.ACCEPT, "nothing waits under the id any more"


def test_when_its_time_has_come_it_is_decided_for_its_session(writing: Writing) -> None:
    operation = waiting(writing)
    writing.do(operation)
    writing.now = DUE
    assert writing.do(end(operation)) is None
    session, sequence, answer = final(writing)
    assert (session, sequence) == ("s", 7)
    assert isinstance(answer, Verdict)
    assert (answer.kind, answer.state.name if answer.state else "") == (1, "Running")
    assert writing.rows(tables.waits) == []
    assert writing.row(tables.flow_runs).session_id == "s"
    assert writing.do(operation) == answer, "who missed the push and asks again learns it"
    writing.do(end(operation))
    assert nothing_told(writing)


def test_before_its_time_it_goes_on_waiting(writing: Writing) -> None:
    operation = waiting(writing)
    writing.do(operation)
    writing.propose(operation.proposal.run_id, SCHEDULED, due=DUE + SECOND)
    writing.now = DUE
    writing.do(end(operation))
    assert nothing_told(writing)
    assert writing.row(tables.waits).until_time == DUE + SECOND
    assert writing.changes is not None
    assert [each["until_time"] for each in writing.changes.waits] == [DUE + SECOND]


def test_what_was_decided_meanwhile_is_not_decided_again(writing: Writing) -> None:
    operation = waiting(writing)
    writing.do(operation)
    writing.now = DUE
    verdict: Any = writing.do(operation)  # Asked again at the very moment.
    assert verdict.kind is VerdictKind.ACCEPT
    writing.do(end(operation))
    assert nothing_told(writing)
    assert writing.rows(tables.waits) == []
    assert writing.row(tables.flow_runs).run_count == 1


def test_a_wait_whose_run_was_deleted_is_over_and_its_session_hears_so(writing: Writing) -> None:
    operation = waiting(writing)
    writing.do(operation)
    run = operation.proposal.run_id
    assert writing.together(Delete("flow run", run, ""), end(operation)) == [None, None]
    assert writing.rows(tables.waits) == []
    session, sequence, error = final(writing)
    assert (session, sequence, error.reason) == ("s", 7, "FLOW_RUN_NOT_FOUND")
    assert run in error.message


def test_a_wait_that_can_never_be_decided_ends_with_the_reason(writing: Writing) -> None:
    operation = waiting(writing)
    writing.do(operation)
    with writing.engine.begin() as connection:
        connection.execute(tables.flow_runs.delete())
    writing.do(end(operation))
    assert isinstance(final(writing)[2], NotFound)
    assert writing.rows(tables.waits) == []


def test_a_wait_ends_with_whatever_the_policy_says_by_then(writing: Writing) -> None:
    operation = waiting(writing)
    writing.do(operation)
    running = propose(operation.proposal.run_id, RUNNING, session_id="another", force=True)
    writing.together(running, end(operation))
    answer = final(writing)[2]
    assert isinstance(answer, Verdict)
    assert answer.kind is VerdictKind.ABORT
    assert "held by session another" in answer.reason


@pytest.mark.parametrize("asks", ["the server", "the session"])
@pytest.mark.parametrize("ended", ["Cancelled", "Failed"])
def test_what_waits_does_not_undo_an_end(writing: Writing, ended: str, asks: str) -> None:
    operation = waiting(writing)
    run = operation.proposal.run_id
    writing.do(operation)
    if ended == "Cancelled":
        writing.do(CancelFlowRun(run, "", new_id()))
    else:
        writing.propose(run, FAILED, force=True)
    answer: Any = writing.do(end(operation) if asks == "the server" else operation)
    if asks == "the server":
        answer = final(writing)[2]
    assert answer.kind is VerdictKind.ABORT
    assert f"the run has ended ({ended}) while the proposal waited" in answer.reason
    assert answer.findings[-1][0] == "EndedWhileWaiting"
    assert writing.row(tables.flow_runs).state_name == ended
    assert writing.do(operation) == answer, "who missed the push and asks again learns it"
    assert writing.propose(run, RUNNING, session_id="s").kind is VerdictKind.ACCEPT, "a new proposal is another matter"


def test_to_explain_under_a_used_id_is_refused_as_to_propose_is(writing: Writing) -> None:
    waits, decided = waiting(writing), propose(writing.flow_run(), RUNNING)
    writing.together(waits, decided)
    for id in (waits.proposal.transition_id, decided.proposal.transition_id):
        with pytest.raises(AlreadyExists) as refused:
            writing.do(ExplainTransition(proposal(writing.flow_run(), RUNNING, id=id)))
        assert refused.value.reason == "TRANSITION_ID_REUSED"
    assert writing.do(ExplainTransition(decided.proposal)).verdict.kind is VerdictKind.ACCEPT
    assert writing.do(ExplainTransition(waits.proposal)).verdict.kind is VerdictKind.WAIT
