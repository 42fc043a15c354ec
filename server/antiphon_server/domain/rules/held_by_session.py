"""A run that a session holds is that session's: two processes that work on one run would tear it apart."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PENDING, StateType, VerdictKind


@dataclass(frozen=True)
class HeldBySession(Rule):
    """`targets` are the moves that are the holder's alone."""

    targets: frozenset[StateType]
    # Force passes it where it passes nothing else: whose holder cannot be reached must be mended.
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        holder = facts.run.session_id
        if proposal.force or holder is None or holder == proposal.session_id:
            return None
        if proposal.fencing_token and facts.run.state_type == PENDING:
            # Who was given the token of the claim was sent by the claimer; a wrong one did not come so far.
            return None
        return Finding(
            self.name,
            VerdictKind.ABORT,
            f"the run is held by session {holder}; cancel it, or force the state if its holder cannot be reached",
        )
