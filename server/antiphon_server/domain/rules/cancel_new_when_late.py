"""A late run whose deployment has no slot free, and cancels what collides, is cancelled rather than marked Late."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules.late_was_scheduled import LATE
from antiphon_server.domain.slots import cancelled_for_want_of, collision
from antiphon_server.domain.states import SCHEDULED, VerdictKind


@dataclass(frozen=True)
class CancelNewWhenLate(Rule):
    """Part of the policy of the service that marks runs Late, and of no other."""

    origins = frozenset({SCHEDULED})
    targets = frozenset({SCHEDULED})
    needs = frozenset({Fact.DEPLOYMENT, Fact.LIMITS})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        collided = collision(facts)
        if proposal.state.name != LATE or facts.run.state_name == LATE or collided is None:
            return None
        state = cancelled_for_want_of(collided)
        return Finding(self.name, VerdictKind.REJECT, state.message, state)
