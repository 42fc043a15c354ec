"""A flow run takes a slot of each limit that it is subject to before it is claimed or runs, and keeps it until it ends,
pauses or is scheduled anew."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Effect, Finding, Queued, StopOthers, TakeSlots
from antiphon_server.domain.facts import Fact, Facts, Limit
from antiphon_server.domain.model import Proposal, State, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.slots import (
    SLOT_WAIT,
    cancelled_for_want_of,
    closed,
    collision,
    facts_of,
    full,
    guess,
    overlapped,
    titles,
    wanted,
)
from antiphon_server.domain.states import (
    AWAITING_CONCURRENCY_SLOT,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    VerdictKind,
)


@dataclass(frozen=True)
class TakeSlot(Rule):
    """Who can be told later waits for its turn; others are queued by a state, and scheduled when their turn comes."""

    targets = frozenset({PENDING, RUNNING})
    needs = frozenset({Fact.LIMITS, Fact.DEPLOYMENT})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        limits = wanted(facts.limits)
        if not limits or facts.run.state_type == RUNNING or facts.run.state_type == proposal.state.type:
            # What was let in before the limit was there goes on.
            return None
        shut = closed(limits)
        if shut is not None:
            return Finding(
                self.name,
                VerdictKind.ABORT,
                f"{shut.title} has a limit of 0, so nothing may run",
                facts=facts_of(facts.limits),
                remedy=f"raise the limit of {shut.title}",
            )
        lacking = full(limits)
        if lacking:
            return self._refuse(facts, proposal, lacking, now)
        taken = TakeSlots(tuple(limit.id for limit in limits))
        return Finding(self.name, None, f"takes a slot of {titles(limits)}", effects=(taken,))

    def _refuse(self, facts: Facts, proposal: Proposal, lacking: tuple[Limit, ...], now: int) -> Finding:
        first = lacking[0]
        said, remedy = facts_of(facts.limits), f"wait for a run to end, or raise the limit of {first.title}"
        reason = f"all slots of {titles(lacking)} are taken"
        ids = tuple(limit.id for limit in wanted(facts.limits))
        if facts.run.state_type == PAUSED or (proposal.session_id is not None and proposal.waits):
            # A paused process stays where it is until it may go on, and a session hears of its turn.
            until = now + guess(first, proposal.transition_id)
            return Finding(
                self.name, VerdictKind.WAIT, reason, wait_until=until, wait_for=ids, facts=said, remedy=remedy
            )
        collided = collision(facts)
        if collided is not None:
            return Finding(self.name, VerdictKind.REJECT, reason, cancelled_for_want_of(collided), facts=said)
        queued = State(
            SCHEDULED,
            AWAITING_CONCURRENCY_SLOT,
            f"{reason}; the run is called when its turn comes",
            StateDetails(scheduled_time=now + SLOT_WAIT),
        )
        # A slot that it holds goes as it is scheduled, so it waits for that one too.
        effects: tuple[Effect, ...] = (Queued(tuple(limit.id for limit in facts.limits if limit.active)),)
        overlapping = overlapped(facts)
        if overlapping is not None:
            effects += (StopOthers(overlapping.id, f"its schedule starts flow run {facts.run.id} in its place"),)
        return Finding(self.name, VerdictKind.REJECT, reason, queued, effects=effects, facts=said, remedy=remedy)
