"""A task run runs only with a slot of each of its tags that is limited: all of them, or none."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding, TakeSlots
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.slots import closed, facts_of, full, guess, titles, wanted
from antiphon_server.domain.states import RUNNING, VerdictKind


@dataclass(frozen=True)
class TakeTagSlots(Rule):
    targets = frozenset({RUNNING})
    needs = frozenset({Fact.LIMITS})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        limits = wanted(facts.limits)
        if not limits:
            return None
        shut = closed(limits)
        if shut is not None:
            return Finding(
                self.name,
                VerdictKind.ABORT,
                f"{shut.title} has a limit of 0, so nothing may run",
                facts=facts_of(facts.limits),
                remedy=f"raise the limit of {shut.title}, or run the task without this tag",
            )
        lacking = full(limits)
        if lacking:
            return Finding(
                self.name,
                VerdictKind.WAIT,
                f"all slots of {titles(lacking)} are taken",
                wait_until=now + guess(lacking[0], proposal.transition_id),
                wait_for=tuple(limit.id for limit in limits),
                facts=facts_of(facts.limits),
                remedy=f"wait for a task run to end, or raise the limit of {lacking[0].title}",
            )
        return Finding(
            self.name,
            None,
            f"takes a slot of {titles(limits)}",
            effects=(TakeSlots(tuple(limit.id for limit in limits)),),
        )
