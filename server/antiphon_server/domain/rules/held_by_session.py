"""A run that a session holds is that session's: two processes that work on one run would tear it apart."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal
from antiphon_server.domain.policy import ORIGINS
from antiphon_server.domain.states import Origin, StateType, VerdictKind


@dataclass(frozen=True)
class HeldBySession:
    """`targets` are the moves that are the holder's alone."""

    targets: frozenset[StateType]
    name: str = "HeldBySession"
    origins: frozenset[Origin] = frozenset(ORIGINS)
    forceable: bool = True

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        holder = facts.run.session_id
        if holder is None or holder == proposal.session_id:
            return None
        return Finding(
            self.name,
            VerdictKind.ABORT,
            f"the run is held by session {holder}; cancel it, or force the state if its holder cannot be reached",
        )
