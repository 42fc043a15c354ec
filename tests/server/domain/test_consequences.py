"""What a decision means for others: the holder, the parent, and what is below; and which policy decides."""

from typing import Any

import pytest

from antiphon_server.domain.decision import EndPutOff, MirrorToParent, Remember, StopBelow, TakeSlots, Tell, TellHolder
from antiphon_server.domain.facts import Deployment, Facts
from antiphon_server.domain.model import Proposal, RetryPolicy, RunKind, StateDetails
from antiphon_server.domain.policy import decide
from antiphon_server.domain.rules import (
    DEFERRED_TASK_RUN_POLICY,
    FLOW_RUN_POLICY,
    TASK_RUN_POLICY,
    policy_of,
)
from antiphon_server.domain.rules.retry_failed import delay
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
    TERMINAL,
    StateType,
    VerdictKind,
)
from policy_rows.row import LATER, NOW, SECOND, limit, proposal_of, run_in

FLOW, TASK = RunKind.FLOW_RUN, RunKind.TASK_RUN
STARTED = {"start_time": NOW - SECOND}


def effects_of(run: Any, proposal: Any) -> tuple[Any, ...]:
    return decide(policy_of(proposal), Facts(run), proposal, NOW).effects


def test_the_policy_follows_from_the_proposal() -> None:
    deferred = StateDetails(deferred=True)
    assert policy_of(proposal_of(RUNNING)) is FLOW_RUN_POLICY
    assert policy_of(proposal_of(RUNNING, TASK)) is TASK_RUN_POLICY
    assert policy_of(proposal_of(RUNNING, TASK, details=deferred)) is DEFERRED_TASK_RUN_POLICY
    assert policy_of(proposal_of(RUNNING, details=deferred)) is FLOW_RUN_POLICY


def test_the_holder_is_told_when_somebody_else_cancels_or_ends_its_run() -> None:
    run = run_in(RUNNING)
    asked = effects_of(run, proposal_of(CANCELLING, session_id=None, message="enough"))
    assert asked == (TellHolder("holder", Tell.CANCEL, "enough"),)
    forced = effects_of(run, proposal_of(FAILED, session_id=None, force=True))
    assert [(each.session_id, each.what) for each in forced] == [("holder", Tell.REVOKE)]
    assert effects_of(run, proposal_of(COMPLETED)) == ()


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize(
    ("target", "changes", "told"),
    [
        (RUNNING, {"session_id": "taker"}, True),
        (PENDING, {"session_id": "taker"}, True),
        (PENDING, {"session_id": None, "name": "NotReady"}, True),
        (PENDING, {"session_id": "holder", "name": "NotReady"}, False),
        (RUNNING, {"session_id": "holder"}, False),
        (RUNNING, {"session_id": None}, False),
        (SCHEDULED, {"session_id": "taker"}, False),
    ],
)
def test_a_holder_is_told_when_it_loses_its_run(
    kind: RunKind, target: StateType, changes: dict[str, Any], told: bool
) -> None:
    effects = effects_of(run_in(RUNNING, kind), proposal_of(target, kind, force=True, **changes))
    assert [(each.session_id, each.what) for each in effects] == [("holder", Tell.REVOKE)] * told


@pytest.mark.parametrize(("reschedule", "what"), [(False, Tell.PAUSE), (True, Tell.SUSPEND)])
def test_the_holder_of_a_flow_run_hears_of_a_pause_by_somebody_else(reschedule: bool, what: Tell) -> None:
    paused = proposal_of(PAUSED, session_id=None, details=StateDetails(pause_reschedule=reschedule))
    deployed = Facts(run_in(RUNNING), deployment=Deployment("d", "nightly"))

    def told(proposal: Proposal) -> list[tuple[str, Tell]]:
        effects = decide(FLOW_RUN_POLICY, deployed, proposal, NOW).effects
        return [(each.session_id, each.what) for each in effects if isinstance(each, TellHolder)]

    assert told(paused) == [("holder", what)]
    assert told(proposal_of(PAUSED, details=StateDetails(pause_reschedule=reschedule))) == []


def test_the_holder_of_a_claim_is_not_told_when_the_process_that_it_started_goes_on_with_it() -> None:
    run = run_in(PENDING, fencing_token=4)
    assert effects_of(run, proposal_of(RUNNING, session_id="child", fencing_token=4)) == ()
    forced = proposal_of(RUNNING, session_id="stranger", force=True)
    assert [(each.session_id, each.what) for each in effects_of(run, forced)] == [("holder", Tell.REVOKE)]


@pytest.mark.parametrize("target", sorted(TERMINAL))
def test_a_subflow_is_mirrored_in_its_parent(target: StateType) -> None:
    run = run_in(RUNNING, parent_task_run_id="parent")
    assert effects_of(run, proposal_of(target)) == (MirrorToParent("parent"),)


def test_what_is_below_stops_with_a_flow_run_that_has_started() -> None:
    asked = proposal_of(CANCELLING, message="enough")
    assert effects_of(run_in(RUNNING, **STARTED), asked) == (StopBelow("enough", "holder", final=False),)
    ended = proposal_of(CANCELLED, message="enough")
    assert effects_of(run_in(CANCELLING, **STARTED), ended) == (StopBelow("enough", "holder", final=True),)
    assert effects_of(run_in(RUNNING), asked) == (), "below what never started there is nothing"
    assert effects_of(run_in(RUNNING, **STARTED), proposal_of(FAILED)) == ()
    assert effects_of(run_in(RUNNING, TASK, **STARTED), proposal_of(CANCELLED, TASK)) == ()


def test_what_a_pause_has_put_off_ends_with_a_flow_run_that_cannot_ask_again() -> None:
    crashed, failed = proposal_of(CRASHED), proposal_of(FAILED)
    assert effects_of(run_in(RUNNING, **STARTED), crashed) == (EndPutOff(),)
    for lost in (crashed, failed):
        assert EndPutOff() in effects_of(run_in(PAUSED, **STARTED), lost)
    assert effects_of(run_in(RUNNING, **STARTED), failed) == (), "its code has gone to its end"
    assert effects_of(run_in(PENDING), crashed) == (), "below what never started there is nothing"
    assert effects_of(run_in(RUNNING, TASK, **STARTED), proposal_of(CRASHED, TASK)) == ()


def test_a_rejection_leaves_nothing_of_what_was_meant_for_the_state_proposed() -> None:
    over = {"details": StateDetails(pause_expire_time=NOW - 1), "parent_task_run_id": "parent"}
    found = effects_of(run_in(PAUSED, **over), proposal_of(RUNNING))
    assert found == (Remember(True, None, ()), MirrorToParent("parent"))
    kept = run_in(COMPLETED, state_has_data=True, parent_task_run_id="parent")
    assert effects_of(kept, proposal_of(RUNNING)) == ()


def test_a_run_that_queues_to_run_again_starts_afresh_all_the_same() -> None:
    # Else its pauses would be passed over when its turn has come.
    run = run_in(COMPLETED, deployment_id="d", pause_keys=("approval",), session_id=None)
    facts = Facts(run, deployment=Deployment("d", "hourly"), limits=(limit(taken=1),))
    decision = decide(FLOW_RUN_POLICY, facts, proposal_of(PENDING, session_id=None), NOW)
    assert (decision.verdict, decision.state and decision.state.name) == (VerdictKind.REJECT, "AwaitingConcurrencySlot")
    assert Remember(False, None, ()) in decision.effects


def test_slots_taken_by_an_earlier_rule_are_not_taken_where_a_later_one_rejects() -> None:
    # TakeTagSlots speaks, then WaitForScheduledTime ends the asking.
    run = run_in(SCHEDULED, TASK, state_scheduled_time=LATER)
    decision = decide(TASK_RUN_POLICY, Facts(run, limits=(limit(),)), proposal_of(RUNNING, TASK), NOW)
    assert decision.verdict is VerdictKind.WAIT
    assert [each.rule for each in decision.findings] == ["TakeTagSlots", "WaitForScheduledTime"]
    assert not any(isinstance(each, TakeSlots) for each in decision.effects)


def test_no_slot_of_a_flow_run_is_asked_for_before_its_time() -> None:
    run = run_in(SCHEDULED, state_scheduled_time=LATER)
    decision = decide(FLOW_RUN_POLICY, Facts(run, limits=(limit(),)), proposal_of(RUNNING), NOW)
    assert [each.rule for each in decision.findings] == ["WaitForScheduledTime"]


def test_the_last_delay_repeats_and_jitter_only_adds() -> None:
    retries = RetryPolicy(2, (3 * SECOND, 5 * SECOND))
    assert [delay(retries, retry, seed="x") for retry in (1, 2, 3)] == [3 * SECOND, 5 * SECOND, 5 * SECOND]
    jittered = RetryPolicy(1, (SECOND,), 0.5)
    drawn = {delay(jittered, 1, seed=str(seed)) for seed in range(200)}
    assert SECOND <= min(drawn) < 1.1 * SECOND
    assert 1.4 * SECOND < max(drawn) <= 1.5 * SECOND
    assert delay(jittered, 1, seed="7") == delay(jittered, 1, seed="7")
