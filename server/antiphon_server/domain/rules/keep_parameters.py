"""A deferred task run keeps its arguments from state to state, until one brings others."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import NO_DETAILS, Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PENDING, RUNNING, SCHEDULED


@dataclass(frozen=True)
class KeepParameters(Rule):
    origins = frozenset({SCHEDULED, PENDING})
    targets = frozenset({PENDING, RUNNING})
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        details, held = proposal.state.details or NO_DETAILS, facts.run.details.task_parameters_id
        if not details.deferred or details.task_parameters_id or not held:
            return None
        kept = replace(proposal.state, details=replace(details, task_parameters_id=held))
        return Finding(self.name, None, "the arguments are kept", kept)
