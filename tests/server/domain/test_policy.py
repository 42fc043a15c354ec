"""The policy without a database: each pair of states, and each rule."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from antiphon_server.domain.decision import MirrorToParent, Tell, TellHolder
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, RetryPolicy, Run, RunKind, State, StateDetails
from antiphon_server.domain.policy import ORIGINS, decide
from antiphon_server.domain.rules import POLICIES
from antiphon_server.domain.rules.retry_failed import delay
from antiphon_server.domain.states import DEFAULT_NAMES, TERMINAL, StateType, VerdictKind

NOW = 1_700_000_000_000_000
SECOND = 1_000_000

# One row for the state that a run is in, one column for the state proposed, in the order of StateType:
# Scheduled, Pending, Running, Completed, Failed, cAncelled (X), crasHed, Paused, canceLling.
# A accept, R reject, B abort. The run is held by the session that proposes, and keeps no result.
FLOW_RUN_TABLE = """
              S P R C F X H U L
    none      A A A A A A A B A
    SCHEDULED A A A A A A A R A
    PENDING   A B A A A A A R A
    RUNNING   A B A A A A A A A
    COMPLETED B A A A A A B B B
    FAILED    B A A A A A B B B
    CANCELLED B B A A A A B B B
    CRASHED   B A A A A A B B B
    PAUSED    A R A A A A A R A
    CANCELLING R R R R R A R R R
"""
TASK_RUN_TABLE = """
              S P R C F X H U L
    none      A A A A A A A A A
    SCHEDULED A A A A A A A A A
    PENDING   A A A A A A A A A
    RUNNING   A A A A A A A A A
    COMPLETED A A A A A A B B B
    FAILED    A A A A A A B B B
    CANCELLED A A A A A A B B B
    CRASHED   A A A A A A B B B
    PAUSED    A A A A A A A A A
    CANCELLING A A A A A A A A A
"""
LETTERS = {"A": VerdictKind.ACCEPT, "R": VerdictKind.REJECT, "B": VerdictKind.ABORT}


def pairs(kind: RunKind, table: str) -> list[Any]:
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    return [
        pytest.param(
            kind,
            None if origin == "none" else StateType[origin],
            target,
            LETTERS[letter],
            id=f"{kind}-{origin}-{target.name}",
        )
        for origin, *letters in rows
        for target, letter in zip(StateType, letters, strict=True)
    ]


PAIRS = pairs(RunKind.FLOW_RUN, FLOW_RUN_TABLE) + pairs(RunKind.TASK_RUN, TASK_RUN_TABLE)


def run_in(state: StateType | None, kind: RunKind = RunKind.FLOW_RUN, **changes: Any) -> Run:
    run = Run(id="run", kind=kind, session_id="holder")
    if state is not None:
        run.state_id, run.state_type, run.state_name = "held", state, DEFAULT_NAMES[state]
        run.state_time = NOW - 60 * SECOND
    return replace(run, **changes)


def proposal_of(type_: StateType, kind: RunKind = RunKind.FLOW_RUN, **changes: Any) -> Proposal:
    state = State(type_, changes.pop("name", DEFAULT_NAMES[type_]), details=changes.pop("details", None))
    state.data = changes.pop("data", None)
    return Proposal("transition", kind, "run", state, **{"session_id": "holder", **changes})


@pytest.mark.parametrize(("kind", "origin", "target", "verdict"), PAIRS)
def test_each_pair_of_states(kind: RunKind, origin: StateType | None, target: StateType, verdict: VerdictKind) -> None:
    decision = decide(POLICIES[kind], Facts(run_in(origin, kind)), proposal_of(target, kind), NOW)
    assert decision.verdict is verdict
    assert (decision.state is not None) == (verdict is VerdictKind.ACCEPT)


@pytest.mark.parametrize(("kind", "origin", "target", "verdict"), PAIRS)
def test_force_passes_all_but_what_protects_the_proposer(
    kind: RunKind, origin: StateType | None, target: StateType, verdict: VerdictKind
) -> None:
    forced = proposal_of(target, kind, force=True, session_id=None)
    decision = decide(POLICIES[kind], Facts(run_in(origin, kind)), forced, NOW)
    assert decision.verdict is VerdictKind.ACCEPT


def test_the_tables_are_complete() -> None:
    named = {(p.values[0], p.values[1], p.values[2]) for p in PAIRS}
    assert named == {(kind, origin, target) for kind in RunKind for origin in ORIGINS for target in StateType}


@dataclass
class Case:
    """A proposal on which one rule has the last word (or, for rewrites, a word)."""

    rule: str
    kind: RunKind
    run: Run
    proposal: Proposal
    verdict: VerdictKind
    check: Callable[[Any], bool] = field(default=lambda decision: True)
    waited: bool = False


FLOW, TASK = RunKind.FLOW_RUN, RunKind.TASK_RUN
LATER = NOW + 10 * SECOND
RETRIES = RetryPolicy(2, (3 * SECOND, 5 * SECOND))


def cases() -> list[Case]:
    found = []
    for kind in (FLOW, TASK):
        scheduled = run_in(StateType.SCHEDULED, kind, state_scheduled_time=LATER)
        running = run_in(StateType.RUNNING, kind, run_count=1, retry_policy=RETRIES)
        found += [
            Case(
                "ExpectedState",
                kind,
                run_in(StateType.RUNNING, kind),
                proposal_of(StateType.COMPLETED, kind, expected_state_id="another"),
                VerdictKind.ABORT,
            ),
            Case(
                "EndedWhileWaiting",
                kind,
                run_in(StateType.CANCELLED, kind, session_id=None),
                proposal_of(StateType.RUNNING, kind),
                VerdictKind.ABORT,
                lambda decision: "(Cancelled)" in decision.reason,
                waited=True,
            ),
            Case(
                "HeldBySession",
                kind,
                run_in(StateType.RUNNING, kind),
                proposal_of(StateType.COMPLETED, kind, session_id="stranger"),
                VerdictKind.ABORT,
                lambda decision: "holder" in decision.reason,
            ),
            Case(
                "LawfulMove",
                kind,
                run_in(StateType.COMPLETED, kind),
                proposal_of(StateType.CRASHED, kind),
                VerdictKind.ABORT,
            ),
            Case(
                "KeepResult",
                kind,
                run_in(StateType.COMPLETED, kind, state_has_data=True),
                proposal_of(StateType.RUNNING, kind),
                VerdictKind.REJECT,
                lambda decision: decision.state is None,
            ),
            Case(
                "CancelAtOnce",
                kind,
                run_in(StateType.PENDING, kind, session_id=None),
                proposal_of(StateType.CANCELLING, kind, session_id=None),
                VerdictKind.REJECT,
                lambda decision: decision.state.type is StateType.CANCELLED,
            ),
            Case(
                "ScheduleTime",
                kind,
                run_in(None, kind),
                proposal_of(StateType.SCHEDULED, kind),
                VerdictKind.ACCEPT,
                lambda decision: decision.state.scheduled_time == NOW,
            ),
            Case(
                "ScheduleTime",
                kind,
                scheduled,
                proposal_of(StateType.PENDING, kind),
                VerdictKind.ACCEPT,
                lambda decision: decision.state.scheduled_time == LATER,
            ),
            Case(
                "WaitForScheduledTime",
                kind,
                scheduled,
                proposal_of(StateType.RUNNING, kind),
                VerdictKind.WAIT,
                lambda decision: decision.wait_until == LATER and decision.state is None,
            ),
            Case(
                "RetryFailed",
                kind,
                running,
                proposal_of(StateType.FAILED, kind),
                VerdictKind.REJECT,
                lambda decision: (
                    (decision.state.name, decision.state.scheduled_time) == ("AwaitingRetry", NOW + 3 * SECOND)
                ),
            ),
            Case(
                "NameRerun",
                kind,
                run_in(StateType.SCHEDULED, kind, run_count=1, state_name="AwaitingRetry"),
                proposal_of(StateType.RUNNING, kind),
                VerdictKind.ACCEPT,
                lambda decision: decision.state.name == "Retrying",
            ),
            Case(
                "NameRerun",
                kind,
                run_in(StateType.FAILED, kind, run_count=1),
                proposal_of(StateType.RUNNING, kind),
                VerdictKind.ACCEPT,
                lambda decision: decision.state.name == "Rerunning",
            ),
        ]
    found += [
        Case(
            "DistinctPending",
            FLOW,
            run_in(StateType.PENDING),
            proposal_of(StateType.PENDING),
            VerdictKind.ABORT,
        ),
        Case(
            "NoRescheduleAfterEnd",
            FLOW,
            run_in(StateType.FAILED),
            proposal_of(StateType.SCHEDULED),
            VerdictKind.ABORT,
        ),
    ]
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.rule}-{case.kind}")
def test_each_rule(case: Case) -> None:
    decision = decide(POLICIES[case.kind], Facts(case.run, waited=case.waited), case.proposal, NOW)
    assert decision.verdict is case.verdict
    assert decision.findings[-1].rule == case.rule
    assert case.check(decision)


def test_every_rule_of_every_policy_has_a_case() -> None:
    spoken = {(case.kind, case.rule) for case in cases()}
    assert spoken == {(kind, rule.name) for kind, policy in POLICIES.items() for rule in policy.rules}


@pytest.mark.parametrize("kind", RunKind)
def test_decide_changes_neither_facts_nor_proposal(kind: RunKind) -> None:
    for case in cases():
        run, proposal = replace(case.run), replace(case.proposal, state=replace(case.proposal.state))
        decide(POLICIES[case.kind], Facts(case.run), case.proposal, NOW)
        assert (case.run, case.proposal) == (run, proposal)


def test_a_finer_pending_follows_pending() -> None:
    finer = proposal_of(StateType.PENDING, name="Submitting")
    decision = decide(POLICIES[FLOW], Facts(run_in(StateType.PENDING)), finer, NOW)
    assert decision.verdict is VerdictKind.ACCEPT


@pytest.mark.parametrize(
    ("run_count", "details"),
    [(3, None), (1, StateDetails(retriable=False))],
    ids=["no retry left", "user code says no"],
)
def test_no_retry(run_count: int, details: StateDetails | None) -> None:
    run = run_in(StateType.RUNNING, run_count=run_count, retry_policy=RETRIES)
    decision = decide(POLICIES[FLOW], Facts(run), proposal_of(StateType.FAILED, details=details), NOW)
    assert decision.verdict is VerdictKind.ACCEPT


def test_the_last_delay_repeats_and_jitter_only_adds() -> None:
    assert [delay(RETRIES, retry, seed="x") for retry in (1, 2, 3)] == [3 * SECOND, 5 * SECOND, 5 * SECOND]
    jittered = RetryPolicy(1, (SECOND,), 0.5)
    drawn = {delay(jittered, 1, seed=str(seed)) for seed in range(200)}
    assert SECOND <= min(drawn) < 1.1 * SECOND
    assert 1.4 * SECOND < max(drawn) <= 1.5 * SECOND
    assert delay(jittered, 1, seed="7") == delay(jittered, 1, seed="7")


def test_the_holder_is_told_when_somebody_else_cancels_or_ends_its_run() -> None:
    run = run_in(StateType.RUNNING)
    asked = decide(POLICIES[FLOW], Facts(run), proposal_of(StateType.CANCELLING, session_id=None), NOW)
    assert asked.effects == (TellHolder("holder", Tell.CANCEL, ""),)
    forced = decide(POLICIES[FLOW], Facts(run), proposal_of(StateType.FAILED, session_id=None, force=True), NOW)
    assert [(effect.session_id, effect.what) for effect in forced.effects] == [("holder", Tell.REVOKE)]  # type: ignore[union-attr]
    own = decide(POLICIES[FLOW], Facts(run), proposal_of(StateType.COMPLETED), NOW)
    assert own.effects == ()


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize(
    ("target", "changes", "told"),
    [
        (StateType.RUNNING, {"session_id": "taker"}, True),
        (StateType.PENDING, {"session_id": "taker"}, True),
        (StateType.PENDING, {"session_id": None, "name": "NotReady"}, True),
        (StateType.PENDING, {"session_id": "holder", "name": "NotReady"}, False),
        (StateType.RUNNING, {"session_id": "holder"}, False),
        (StateType.RUNNING, {"session_id": None}, False),
        (StateType.SCHEDULED, {"session_id": "taker"}, False),
    ],
)
def test_a_holder_is_told_when_it_loses_its_run(
    kind: RunKind, target: StateType, changes: dict[str, Any], told: bool
) -> None:
    run = run_in(StateType.RUNNING, kind)
    forced = proposal_of(target, kind, force=True, **changes)
    effects = decide(POLICIES[kind], Facts(run), forced, NOW).effects
    assert [(each.session_id, each.what) for each in effects] == [("holder", Tell.REVOKE)] * told  # type: ignore[union-attr]


@pytest.mark.parametrize("target", sorted(TERMINAL))
def test_a_subflow_is_mirrored_in_its_parent(target: StateType) -> None:
    run = run_in(StateType.RUNNING, parent_task_run_id="parent")
    assert decide(POLICIES[FLOW], Facts(run), proposal_of(target), NOW).effects == (MirrorToParent("parent"),)
