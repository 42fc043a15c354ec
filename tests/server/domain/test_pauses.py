"""Pauses in the policy: when they are over, what is done then, and who is told."""

from dataclasses import replace

import pytest

from antiphon_server.domain.bookkeeping import enter, told_to_resume
from antiphon_server.domain.deadlines import deadline_of, overdue
from antiphon_server.domain.decision import Decision, Tell, TellHolder
from antiphon_server.domain.facts import Deployment, Facts
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.policy import decide
from antiphon_server.domain.rules import FLOW_RUN_POLICY
from antiphon_server.domain.states import CANCELLING, DEFAULT_NAMES, FAILED, PAUSED, RUNNING, StateType, VerdictKind

NOW = 1_700_000_000_000_000
SECOND = 1_000_000


def paused(kind: RunKind = RunKind.FLOW_RUN, **details: object) -> Run:
    """A run that session `holder` paused just now."""
    run = Run("run", kind=kind, state_type=RUNNING, state_id="before", state_time=NOW - SECOND, session_id="holder")
    state = State(PAUSED, "Paused", details=StateDetails(**details), id="pause")  # type: ignore[arg-type]
    enter(run, state, NOW, session_id="holder")
    return run


def ask(run: Run, type_: StateType, now: int, *, by: str | None = None, force: bool = False) -> Decision:
    proposal = Proposal("move", run.kind, run.id, State(type_, DEFAULT_NAMES[type_]), session_id=by, force=force)
    return decide(FLOW_RUN_POLICY, Facts(run, deployment=Deployment("d", "d")), proposal, now)


def told(decision: Decision) -> list[TellHolder]:
    return [each for each in decision.effects if isinstance(each, TellHolder)]


def test_a_pause_has_the_deadline_that_it_was_given() -> None:
    assert deadline_of(paused(pause_expire_time=NOW + SECOND), None) == NOW + SECOND
    assert deadline_of(paused(pause_expire_time=NOW + SECOND, pause_reschedule=True), None) == NOW + SECOND
    assert deadline_of(paused(), None) is None, "it may wait for ever"


def test_a_task_run_that_is_put_off_has_none() -> None:
    run = paused(RunKind.TASK_RUN, pause_expire_time=NOW + SECOND)
    assert deadline_of(run, None) is None
    assert overdue(run, "move", NOW + 2 * SECOND) is None


@pytest.mark.parametrize("suspended", [False, True])
@pytest.mark.parametrize("deployed", [False, True])
def test_a_pause_that_is_over_its_time_fails_the_run(suspended: bool, deployed: bool) -> None:
    """Also one that nobody could start again."""
    run = paused(pause_expire_time=NOW + SECOND, pause_reschedule=suspended)
    proposal = overdue(run, "move", NOW + SECOND)
    assert proposal is not None
    facts = Facts(run, deployment=Deployment("d", "d") if deployed else None)
    decision = decide(FLOW_RUN_POLICY, facts, proposal, NOW + SECOND)
    assert decision.verdict is VerdictKind.ACCEPT and decision.state is not None
    assert (decision.state.type, decision.state.name) == (FAILED, "Failed")
    assert "not ended in time" in decision.state.message
    late = ask(run, RUNNING, NOW + 2 * SECOND, by="holder")
    if not suspended:
        assert late.state is not None and late.state.message == decision.state.message, "in one voice"


def test_nothing_is_overdue_that_has_left_its_pause_since() -> None:
    run = paused(pause_expire_time=NOW + SECOND)
    proposal = overdue(run, "move", NOW + 2 * SECOND)
    assert proposal is not None
    moved = replace(run, state_id="later", state_type=RUNNING)
    assert decide(FLOW_RUN_POLICY, Facts(moved), proposal, NOW).verdict is VerdictKind.ABORT


@pytest.mark.parametrize("type_", [RUNNING, StateType.COMPLETED, FAILED])
def test_a_pause_that_was_ended_does_not_expire_any_more(type_: StateType) -> None:
    run = paused(pause_expire_time=NOW + SECOND)
    run.deadline_time = deadline_of(run, None)
    version = run.version
    told_to_resume(run, NOW + SECOND // 2)
    assert (run.resuming, run.deadline_time, run.version) == (True, None, version + 1)
    assert overdue(run, "move", NOW + 5 * SECOND) is None
    decision = ask(run, type_, NOW + 5 * SECOND, by="holder")
    assert decision.verdict is VerdictKind.ACCEPT and decision.state is not None
    assert decision.state.type == type_


def test_going_on_is_no_new_attempt() -> None:
    run = paused()
    told_to_resume(run, NOW)
    enter(run, State(RUNNING, "Running", id="on"), NOW + SECOND, session_id="holder")
    assert (run.run_count, run.resuming) == (0, False)


def test_the_holder_is_told_of_a_pause_that_somebody_else_wants() -> None:
    run = Run("run", state_type=RUNNING, state_id="before", state_time=NOW, session_id="holder")
    assert told(ask(run, PAUSED, NOW)) == [TellHolder("holder", Tell.PAUSE, "", "move")]
    assert told(ask(run, PAUSED, NOW, by="holder")) == []


def test_the_holder_is_told_of_the_end_of_a_pause_that_it_did_not_end() -> None:
    run = paused()
    assert told(ask(run, RUNNING, NOW, force=True)) == [TellHolder("holder", Tell.RESUME, "", "pause")]
    over = paused(pause_expire_time=NOW + SECOND)
    proposal = overdue(over, "move", NOW + SECOND)
    assert proposal is not None
    (word,) = told(decide(FLOW_RUN_POLICY, Facts(over), proposal, NOW + SECOND))
    assert (word.what, word.state_id) == (Tell.RESUME, "pause")


@pytest.mark.parametrize(("type_", "what"), [(CANCELLING, Tell.CANCEL), (StateType.CRASHED, Tell.REVOKE)])
def test_of_other_ends_it_is_told_as_ever(type_: StateType, what: Tell) -> None:
    (word,) = told(ask(paused(), type_, NOW, force=True))
    assert word.what is what


def test_only_the_holder_goes_on() -> None:
    assert ask(paused(), RUNNING, NOW).findings[-1].rule == "HeldBySession"
    assert ask(paused(), RUNNING, NOW, by="other").verdict is VerdictKind.ABORT
    assert ask(paused(), RUNNING, NOW, by="holder").verdict is VerdictKind.ACCEPT
