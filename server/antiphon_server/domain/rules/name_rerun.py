"""RUNNING once more says so by its name: Retrying after AwaitingRetry, Rerunning otherwise."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal
from antiphon_server.domain.rules.retry_failed import AWAITING_RETRY
from antiphon_server.domain.states import ALL, DEFAULT_NAMES, RUNNING, Origin, StateType


@dataclass(frozen=True)
class NameRerun:
    name: str = "NameRerun"
    origins: frozenset[Origin] = frozenset(ALL)
    targets: frozenset[StateType] = frozenset({RUNNING})
    forceable: bool = True

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if facts.run.run_count == 0 or proposal.state.name != DEFAULT_NAMES[RUNNING]:
            return None
        name = "Retrying" if facts.run.state_name == AWAITING_RETRY else "Rerunning"
        return Finding(self.name, None, f"attempt {facts.run.run_count + 1}", replace(proposal.state, name=name))
