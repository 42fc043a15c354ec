"""Moves that the table of a family of runs rules out."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import StateType, Unlawful


@dataclass(frozen=True)
class LawfulMove(Rule):
    table: Unlawful

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        origin, target = facts.run.state_type, proposal.state.type
        verdict = self.table.get((origin, target))
        if verdict is None:
            return None
        held = StateType(origin).name if origin is not None else "no state"
        return Finding(self.name, verdict, f"a run in {held} cannot become {target.name}")
