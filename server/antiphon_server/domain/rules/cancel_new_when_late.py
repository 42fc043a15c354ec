"""A late run whose deployment has no slot free, and cancels what collides, is cancelled rather than marked Late."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import CollisionStrategy, Fact, Facts
from antiphon_server.domain.model import Proposal, State
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules.late_was_scheduled import LATE
from antiphon_server.domain.slots import cancelled_for_want_of, lacking
from antiphon_server.domain.states import SCHEDULED, VerdictKind


@dataclass(frozen=True)
class CancelNewWhenLate(Rule):
    """Part of the policy of the service that marks runs Late, and of no other."""

    origins = frozenset({SCHEDULED})
    targets = frozenset({SCHEDULED})
    needs = frozenset({Fact.DEPLOYMENT, Fact.LIMITS})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        deployment, full = facts.deployment, lacking(facts.limits)
        if proposal.state.name != LATE or facts.run.state_name == LATE or deployment is None or full is None:
            return None
        if deployment.collision_strategy is not CollisionStrategy.CANCEL_NEW:
            return None
        state: State = cancelled_for_want_of(full)
        return Finding(self.name, VerdictKind.REJECT, state.message, state)
