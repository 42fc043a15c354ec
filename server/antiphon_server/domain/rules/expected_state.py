"""A proposer that names the state it believes to hold is answered only if it is right (compare and set)."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import VerdictKind


@dataclass(frozen=True)
class ExpectedState(Rule):
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        expected, held = proposal.expected_state_id, facts.run.state_id
        if not expected or expected == held:
            return None
        return Finding(self.name, VerdictKind.ABORT, f"expected state {expected}, but {held or 'no state'} holds")
