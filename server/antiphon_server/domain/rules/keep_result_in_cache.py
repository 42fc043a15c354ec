"""A completed task run that names a cache key is kept under it."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding, KeepInCache
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import NO_DETAILS, Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import COMPLETED

#: Characters. A longer key is not worth an index; the result itself is never refused for it.
LONGEST_KEY = 2000


@dataclass(frozen=True)
class KeepResultInCache(Rule):
    targets = frozenset({COMPLETED})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        details = proposal.state.details or NO_DETAILS
        if not details.cache_key:
            return None
        if len(details.cache_key) > LONGEST_KEY:
            return Finding(
                self.name, None, f"the cache key is longer than {LONGEST_KEY} characters, so the result is not cached"
            )
        kept = KeepInCache(details.cache_key, details.cache_expire_time)
        return Finding(self.name, None, "the result is kept under its cache key", effects=(kept,))
