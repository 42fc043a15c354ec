"""The answer to a proposal as callers get it, new or from memory."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Decision
from antiphon_server.domain.model import Run, State
from antiphon_server.domain.states import VerdictKind
from antiphon_server.storage.records import Told, Transition
from antiphon_server.storage.working_set import WorkingSet


@dataclass(slots=True)
class Verdict:
    """Mirrors `antiphon.v1.Verdict`; times in microseconds."""

    transition_id: str
    kind: VerdictKind
    #: The state that holds now; None where there is none yet.
    state: State | None
    reason: str
    findings: tuple[Told, ...]
    wait_until: int | None
    run_count: int
    fencing_token: int


def findings_of(decision: Decision) -> tuple[Told, ...]:
    return tuple((each.rule, each.kind, each.reason, dict(each.facts), each.remedy) for each in decision.findings)


def from_decision(working_set: WorkingSet, transition_id: str, run: Run, decision: Decision) -> Verdict:
    """The verdict on a proposal just decided; `run` is as it is after the decision."""
    return Verdict(
        transition_id,
        decision.verdict,
        decision.state if decision.state is not None else held_state(working_set, run.state_id),
        decision.reason,
        findings_of(decision),
        decision.wait_until,
        run.run_count,
        run.fencing_token,
    )


def from_memory(working_set: WorkingSet, transition: Transition) -> Verdict:
    """The verdict that was given before, to the letter."""
    state = transition.state or held_state(working_set, transition.held_state_id)
    return Verdict(
        transition.id,
        transition.verdict,
        state,
        transition.reason,
        transition.findings,
        None,
        transition.run_count,
        transition.fencing_token,
    )


def held_state(working_set: WorkingSet, state_id: str | None) -> State | None:
    if state_id is None:
        return None
    transition = working_set.fetch_transition(state_id)
    return transition.state if transition is not None else None
