"""Moves that the table of a family of runs rules out."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal
from antiphon_server.domain.policy import ORIGINS
from antiphon_server.domain.states import ALL, Origin, StateType, Unlawful


@dataclass(frozen=True)
class LawfulMove:
    table: Unlawful
    name: str = "LawfulMove"
    origins: frozenset[Origin] = frozenset(ORIGINS)
    targets: frozenset[StateType] = ALL
    forceable: bool = True

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        origin, target = facts.run.state_type, proposal.state.type
        verdict = self.table.get((origin, target))
        if verdict is None:
            return None
        held = StateType(origin).name if origin is not None else "no state"
        return Finding(self.name, verdict, f"a run in {held} cannot become {target.name}")
