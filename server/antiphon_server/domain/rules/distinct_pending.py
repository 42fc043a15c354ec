"""A claimed run is not claimed again: PENDING follows PENDING only as a finer word for it."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import DEFAULT_NAMES, PENDING, VerdictKind


@dataclass(frozen=True)
class DistinctPending(Rule):
    origins = frozenset({PENDING})
    targets = frozenset({PENDING})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if proposal.state.name not in (facts.run.state_name, DEFAULT_NAMES[PENDING]):
            return None
        return Finding(self.name, VerdictKind.ABORT, "the run is PENDING already; somebody else may have claimed it")
