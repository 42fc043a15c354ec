"""When somebody who is not heard of is decided upon, and how."""

from dataclasses import replace
from typing import Any

import pytest

from antiphon_server.domain.deadlines import CLAIM, STOP, deadline_of, overdue
from antiphon_server.domain.facts import Deployment
from antiphon_server.domain.model import Run, RunKind, StateDetails
from antiphon_server.domain.states import CANCELLED, CANCELLING, CRASHED, PAUSED, PENDING, RUNNING, SCHEDULED, StateType
from policy_rows.row import LATER, NOW, SECOND, run_in

TASK = RunKind.TASK_RUN
HELD_SINCE = NOW - 60 * SECOND
NOBODY: dict[str, Any] = {"session_id": None}
HASTY = Deployment("d", "hasty", grace_period=SECOND)


@pytest.mark.parametrize("kind", RunKind)
def test_a_claim_by_nobody_in_particular_has_a_deadline(kind: RunKind) -> None:
    run = run_in(PENDING, kind, **NOBODY)
    assert deadline_of(run, None) == HELD_SINCE + CLAIM
    assert deadline_of(run, Deployment("d", "patient")) == HELD_SINCE + CLAIM
    assert deadline_of(run, HASTY) == HELD_SINCE + SECOND


def test_a_grace_period_of_nothing_is_over_at_once() -> None:
    assert deadline_of(run_in(PENDING, **NOBODY), Deployment("d", "none", grace_period=0)) == HELD_SINCE


def test_what_a_session_claims_for_itself_ends_with_the_session() -> None:
    assert deadline_of(run_in(PENDING), None) is None


def test_what_a_session_claims_from_a_deployment_has_a_deadline() -> None:
    assert deadline_of(run_in(PENDING, deployment_id="d"), HASTY) == HELD_SINCE + SECOND


def test_a_claim_ahead_of_its_time_has_time_from_then() -> None:
    run = run_in(PENDING, deployment_id="d", state_scheduled_time=LATER)
    assert deadline_of(run, HASTY) == LATER + SECOND


@pytest.mark.parametrize("holder", ["holder", None])
def test_whoever_is_asked_to_stop_has_a_deadline(holder: str | None) -> None:
    assert deadline_of(run_in(CANCELLING, session_id=holder), HASTY) == HELD_SINCE + STOP


@pytest.mark.parametrize("state", [None, *sorted(set(StateType) - {PENDING, CANCELLING, PAUSED})])
def test_no_other_state_has_one(state: StateType | None) -> None:
    run = run_in(state, **NOBODY)
    assert deadline_of(run, HASTY) is None
    assert overdue(run, "id", NOW) is None


def decided(run: Run) -> Any:
    proposal = overdue(run, "id", NOW)
    assert proposal is not None
    assert (proposal.transition_id, proposal.kind, proposal.run_id) == ("id", run.kind, run.id)
    assert (proposal.expected_state_id, proposal.force, proposal.session_id) == ("held", True, None)
    return proposal.state


@pytest.mark.parametrize(("holder", "who"), [("s", "session s, which held it,"), (None, "whoever ran it")])
def test_who_did_not_confirm_that_it_stopped_is_cancelled_all_the_same(holder: str | None, who: str) -> None:
    state = decided(run_in(CANCELLING, session_id=holder))
    assert (state.type, state.name) == (CANCELLED, "Cancelled")
    assert state.message.startswith(who)
    assert "may still be running" in state.message


def test_a_claim_is_given_back_where_somebody_else_may_take_it() -> None:
    state = decided(run_in(PENDING, deployment_id="d", **NOBODY))
    assert (state.type, state.name, state.details) == (SCHEDULED, "Scheduled", StateDetails(scheduled_time=NOW))
    held = StateDetails(deferred=True, task_parameters_id="p")
    deferred = decided(run_in(PENDING, TASK, details=held, **NOBODY))
    assert (deferred.type, deferred.details) == (SCHEDULED, replace(held, scheduled_time=NOW))


@pytest.mark.parametrize(("scheduled", "due"), [(LATER, LATER), (NOW - 1, NOW)])
def test_a_claim_that_is_given_back_before_its_time_keeps_that(scheduled: int, due: int) -> None:
    state = decided(run_in(PENDING, deployment_id="d", state_scheduled_time=scheduled, **NOBODY))
    assert state.scheduled_time == due


@pytest.mark.parametrize("kind", RunKind)
def test_a_claim_that_nobody_else_would_take_is_a_crash(kind: RunKind) -> None:
    state = decided(run_in(PENDING, kind, **NOBODY))
    assert (state.type, state.name) == (CRASHED, "Crashed")
    assert "did not run in time" in state.message


def test_a_run_that_runs_is_left_alone() -> None:
    assert overdue(run_in(RUNNING), "id", NOW) is None
