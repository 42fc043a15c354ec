"""Who acts on a claim names it by its fencing token: one that was given back since is over."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import VerdictKind


@dataclass(frozen=True)
class FencedOut(Rule):
    """After M. Kleppmann, "How to do distributed locking" (2016)."""

    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        token, current = proposal.fencing_token, facts.run.fencing_token
        if not token or token == current:
            return None
        return Finding(
            self.name,
            VerdictKind.ABORT,
            f"claim {token} of the run is over; the current one is {current}",
            facts=(("fencing token", str(current)),),
            remedy="stop working on the run; to work on it again, claim it anew by proposing PENDING",
        )
