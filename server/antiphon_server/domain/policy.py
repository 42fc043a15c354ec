"""`decide()`: the one function that answers proposals. Pure: same facts, proposal and time, same decision."""

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Protocol

from antiphon_server.domain.bookkeeping import holder_after
from antiphon_server.domain.decision import Decision, Effect, Finding, MirrorToParent, Tell, TellHolder
from antiphon_server.domain.model import Facts, Proposal, Run, RunKind, State
from antiphon_server.domain.states import CANCELLING, Origin, StateType, VerdictKind


class Rule(Protocol):
    """One idea of the policy. A rule is asked only about the moves that it watches."""

    @property
    def name(self) -> str: ...
    @property
    def origins(self) -> Set[Origin]: ...
    @property
    def targets(self) -> Set[StateType]: ...
    @property
    def forceable(self) -> bool:
        """Whether a forced proposal passes it by."""
        ...

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None: ...


ORIGINS: tuple[Origin, ...] = (None, *StateType)


@dataclass(frozen=True)
class Policy:
    """Rules in the order in which they speak."""

    rules: tuple[Rule, ...]
    #: (from, to) -> the rules that watch this move, in order.
    watching: dict[tuple[Origin, StateType], tuple[Rule, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        watching = {
            (origin, target): tuple(r for r in self.rules if origin in r.origins and target in r.targets)
            for origin in ORIGINS
            for target in StateType
        }
        object.__setattr__(self, "watching", watching)


def decide(policy: Policy, facts: Facts, proposal: Proposal, now: int) -> Decision:
    """Asks each rule that watches the move; the first terminal finding wins and every finding is reported.

    Neither `facts` nor `proposal` is changed: a rewrite goes on with a copy.
    """
    findings: list[Finding] = []
    effects: tuple[Effect, ...] = ()
    for rule in policy.watching[facts.run.state_type, proposal.state.type]:
        if proposal.force and rule.forceable:
            continue
        finding = rule.check(facts, proposal, now)
        if finding is None:
            continue
        findings.append(finding)
        effects += finding.effects
        if finding.kind is None:
            if finding.state is not None:
                proposal = replace(proposal, state=finding.state)
            continue
        return _ended_by(finding, facts.run, proposal, tuple(findings), effects)
    effects += consequences(facts.run, proposal, proposal.state)
    return Decision(VerdictKind.ACCEPT, proposal.state, findings=tuple(findings), effects=effects)


def _ended_by(
    finding: Finding, run: Run, proposal: Proposal, findings: tuple[Finding, ...], effects: tuple[Effect, ...]
) -> Decision:
    state = proposal.state if finding.kind is VerdictKind.ACCEPT else finding.state
    if state is not None:
        effects += consequences(run, proposal, state)
    assert finding.kind is not None
    return Decision(finding.kind, state, finding.reason, findings, finding.wait_until, effects)


def consequences(run: Run, proposal: Proposal, state: State) -> tuple[Effect, ...]:
    """What follows from entering `state`, whichever rule led there."""
    found: list[Effect] = []
    if run.session_id is not None and run.session_id != proposal.session_id:
        holder = holder_after(run, state, proposal.session_id)
        # Task runs are stopped with their flow run; no command is about one of them alone.
        if state.type == CANCELLING and run.kind is RunKind.FLOW_RUN:
            found.append(TellHolder(run.session_id, Tell.CANCEL, state.message))
        elif holder is None:
            found.append(TellHolder(run.session_id, Tell.REVOKE, f"the run was set to {state.name} by somebody else"))
        elif holder != run.session_id:
            found.append(TellHolder(run.session_id, Tell.REVOKE, f"session {holder} has taken the run over"))
    if run.parent_task_run_id is not None:
        found.append(MirrorToParent(run.parent_task_run_id))
    return tuple(found)
