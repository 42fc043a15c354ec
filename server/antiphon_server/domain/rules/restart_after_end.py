"""A task run that runs again after its end is a fresh start, with all its retries."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding, Restart
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import LIVE, TERMINAL


@dataclass(frozen=True)
class RestartAfterEnd(Rule):
    origins = TERMINAL
    targets = LIVE

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        return Finding(self.name, None, "attempts are counted anew after the end", effects=(Restart(),))
