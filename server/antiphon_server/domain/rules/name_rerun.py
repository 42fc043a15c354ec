"""A task run that is RUNNING once more says so by its name: Retrying after AwaitingRetry or where its flow run is on
another attempt, Rerunning otherwise."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules.retry_failed import AWAITING_RETRY
from antiphon_server.domain.states import ALL, RUNNING, TERMINAL

RETRYING, RERUNNING = "Retrying", "Rerunning"


@dataclass(frozen=True)
class NameRerun(Rule):
    origins = ALL
    targets = frozenset({RUNNING})
    needs = frozenset({Fact.FLOW_RUN})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        name = _name(facts)
        if name is None or name == proposal.state.name:
            return None
        return Finding(self.name, None, "the run has run before", replace(proposal.state, name=name))


def _name(facts: Facts) -> str | None:
    run, flow_run = facts.run, facts.flow_run
    if run.state_type in TERMINAL:
        # It starts afresh, with all its retries; only a new attempt of the flow makes that a retry.
        retried = flow_run is not None and flow_run.run_count > run.flow_run_run_count
        return RETRYING if retried else None
    if run.run_count == 0:
        return None
    return RETRYING if run.state_name == AWAITING_RETRY else RERUNNING
