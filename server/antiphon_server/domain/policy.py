"""`decide()`: the one function that answers proposals. Pure: same facts, proposal and time, same decision."""

from dataclasses import dataclass, field, replace

from antiphon_server.domain.bookkeeping import holder_after
from antiphon_server.domain.decision import (
    Decision,
    Effect,
    EndPutOff,
    Finding,
    MirrorToParent,
    Remember,
    StopBelow,
    Tell,
    TellHolder,
)
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal, Run, RunKind, State
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    CRASHED,
    FAILED,
    LIVE,
    PAUSED,
    PENDING,
    RUNNING,
    TERMINAL,
    Origin,
    StateType,
    VerdictKind,
)

#: States of a flow run that leave nothing below it to go on.
STOPPED = frozenset({CANCELLING, CANCELLED})
ORIGINS: tuple[Origin, ...] = (None, *StateType)


@dataclass(frozen=True)
class Policy:
    """Rules in the order in which they speak."""

    rules: tuple[Rule, ...]
    #: Whether a forced proposal passes by the rules that may be passed by.
    forceable: bool = True
    #: (from, to) -> the rules that watch this move, in order.
    watching: dict[tuple[Origin, StateType], tuple[Rule, ...]] = field(init=False, repr=False)
    #: target -> what the rules that watch it need to know, wherever the run comes from.
    needs: dict[StateType, frozenset[Fact]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        watching = {
            (origin, target): tuple(r for r in self.rules if origin in r.origins and target in r.targets)
            for origin in ORIGINS
            for target in StateType
        }
        needs = {t: frozenset[Fact]().union(*(r.needs for r in self.rules if t in r.targets)) for t in StateType}
        object.__setattr__(self, "watching", watching)
        object.__setattr__(self, "needs", needs)


def decide(policy: Policy, facts: Facts, proposal: Proposal, now: int) -> Decision:
    """Asks each rule that watches the move; the first terminal finding wins and every finding is reported.

    Neither `facts` nor `proposal` is changed: a rewrite goes on with a copy.
    """
    forced = proposal.force and policy.forceable
    findings: list[Finding] = []
    effects: tuple[Effect, ...] = ()
    for rule in policy.watching[facts.run.state_type, proposal.state.type]:
        if forced and rule.forceable:
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
    if state is None:
        effects = ()
    elif finding.kind is VerdictKind.ACCEPT:
        effects += consequences(run, proposal, state)
    else:
        # What was meant for the state that was proposed does not hold for the one that replaces it. But who waits for a
        # slot to run again remembers nothing of the life that has ended.
        afresh = run.state_type in TERMINAL and state.type in LIVE
        kept = tuple(effect for effect in effects if afresh and isinstance(effect, Remember))
        effects = (*kept, *finding.effects, *consequences(run, proposal, state))
    assert finding.kind is not None
    return Decision(finding.kind, state, finding.reason, findings, finding.wait_until, finding.wait_for, effects)


def _delegated(run: Run, proposal: Proposal) -> bool:
    """Whether the claimer itself had somebody else go on with the run: who knows the token of the claim was told it."""
    return run.state_type == PENDING and proposal.fencing_token != 0


def consequences(run: Run, proposal: Proposal, state: State) -> tuple[Effect, ...]:
    """What follows from entering `state`, whichever rule led there."""
    found: list[Effect] = []
    if run.session_id is not None and run.session_id != proposal.session_id:
        holder = holder_after(run, state, proposal.session_id)
        # Other task runs are stopped with their flow run; no command is about one of them alone.
        if state.type == CANCELLING and (run.kind is RunKind.FLOW_RUN or _is_deferred(state)):
            found.append(TellHolder(run.session_id, Tell.CANCEL, state.message))
        elif state.type == PAUSED and run.kind is RunKind.FLOW_RUN:
            what = Tell.PAUSE if holder is not None else Tell.SUSPEND
            found.append(TellHolder(run.session_id, what, state.message, proposal.transition_id))
        elif _ends_pause(run, state):
            found.append(TellHolder(run.session_id, Tell.RESUME, state.message, run.state_id))
        elif holder is None:
            found.append(TellHolder(run.session_id, Tell.REVOKE, f"the run was set to {state.name} by somebody else"))
        elif holder != run.session_id and not _delegated(run, proposal):
            found.append(TellHolder(run.session_id, Tell.REVOKE, f"session {holder} has taken the run over"))
    if state.type in STOPPED and run.kind is RunKind.FLOW_RUN and run.start_time is not None:
        found.append(StopBelow(state.message, run.session_id, final=state.type == CANCELLED))
    elif _ends_unawares(run, state):
        found.append(EndPutOff())
    if run.parent_task_run_id is not None:
        found.append(MirrorToParent(run.parent_task_run_id))
    return tuple(found)


def _is_deferred(state: State) -> bool:
    return state.details is not None and state.details.deferred


def _ends_unawares(run: Run, state: State) -> bool:
    """Whether a flow run ends while its code may be waiting: its process is lost, or its pause is over. Code that goes
    to its end has asked again for what was put off."""
    over = state.type == CRASHED or (state.type == FAILED and run.state_type == PAUSED)
    return over and run.kind is RunKind.FLOW_RUN and run.start_time is not None


def _ends_pause(run: Run, state: State) -> bool:
    """Whether somebody else has ended the pause in which the run's holder waits: it hears of that and asks what
    became of the run. A run that fails in its pause is one whose time is over."""
    paused = run.kind is RunKind.FLOW_RUN and run.state_type == PAUSED
    return paused and (state.type == RUNNING or (state.type == FAILED and run.details.pause_expire_time is not None))
