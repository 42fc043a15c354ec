"""A task run that would compute what is known already is given the known result."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import NO_DETAILS, Proposal, State, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import COMPLETED, RUNNING, VerdictKind

CACHED = "Cached"


@dataclass(frozen=True)
class UseCache(Rule):
    targets = frozenset({RUNNING})
    needs = frozenset({Fact.CACHE})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        details, cached = proposal.state.details or NO_DETAILS, facts.cached
        if cached is None or details.refresh_cache:
            return None
        known = cached.state
        named = replace(known.details or StateDetails(), cache_key=details.cache_key, cache_expire_time=None)
        state = State(COMPLETED, CACHED, known.message, named, known.data)
        return Finding(
            self.name,
            VerdictKind.REJECT,
            "a result is known for this cache key",
            state,
            facts=(("kept by state", known.id),),
            remedy="propose with refresh_cache to compute it again",
        )
