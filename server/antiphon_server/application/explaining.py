"""What would be decided on a proposal, with what only who asks wants to know: places in queues, and consequences."""

from copy import copy
from dataclasses import dataclass, replace

from antiphon_server.application.fact_finding import facts_for
from antiphon_server.application.transitions import decided_before, find_run, needs_of, recount
from antiphon_server.application.verdicts import Verdict, from_decision, from_memory
from antiphon_server.domain.bookkeeping import enter
from antiphon_server.domain.consequence_words import consequences_in_words, time_words
from antiphon_server.domain.deadlines import deadline_of
from antiphon_server.domain.decision import Decision, Queued
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, Run
from antiphon_server.domain.policy import decide
from antiphon_server.domain.rules import policy_of
from antiphon_server.domain.slots import full
from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict that was not given, and in words what would follow from it."""

    verdict: Verdict
    consequences: tuple[str, ...] = ()


@dataclass(slots=True)
class ExplainTransition:
    """Says what would be decided and writes nothing; to the holder of the run, whoever that is, with `as_holder`."""

    proposal: Proposal
    as_holder: bool = False

    def needs(self, needs: Needs) -> None:
        needs_of(self.proposal, needs)

    def apply(self, working_set: WorkingSet) -> Explanation:
        return explain(working_set, self.proposal, as_holder=self.as_holder)


def explain(working_set: WorkingSet, proposal: Proposal, *, as_holder: bool = False) -> Explanation:
    """The verdict that `propose` would give now, on copies, with nothing written. Raises what that raises."""
    known = decided_before(working_set, proposal)
    if known is not None:
        return Explanation(from_memory(working_set, known))
    run = copy(find_run(working_set, proposal.kind, proposal.run_id))
    if as_holder:
        proposal = replace(proposal, session_id=run.session_id)
    policy = policy_of(proposal)
    facts = facts_for(working_set, policy, run, proposal)
    decision = decide(policy, facts, proposal, working_set.now)
    decision = _with_places(working_set, run, facts, decision)
    consequences: tuple[str, ...] = ()
    if decision.state is not None:
        decision.state.id = proposal.transition_id
        recount(run, decision)
        enter(run, decision.state, working_set.now, session_id=proposal.session_id)
        run.deadline_time = deadline_of(run, facts.deployment)
        consequences = consequences_in_words(run, decision, facts.limits)
    return Explanation(from_decision(working_set, proposal.transition_id, run, decision), consequences)


def _with_places(working_set: WorkingSet, run: Run, facts: Facts, decision: Decision) -> Decision:
    """The decision, whose last finding tells of the run's places in the queues of full limits where it waits there."""
    queued = any(isinstance(effect, Queued) for effect in decision.effects)
    waits = bool(decision.wait_for) or queued or run.state_name == AWAITING_CONCURRENCY_SLOT
    if not waits or not decision.findings:
        return decision
    *before, last = decision.findings
    places: list[tuple[str, str]] = []
    for limit in full(facts.limits):
        ahead, since = working_set.waiting.place(limit.id, run)
        places.append((f"ahead in the queue of {limit.title}", str(ahead)))
        if since is not None:
            places.append((f"in the queue of {limit.title} since", time_words(since)))
    return replace(decision, findings=(*before, replace(last, facts=(*last.facts, *places))))
