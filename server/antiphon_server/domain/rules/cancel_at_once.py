"""Where nobody holds a run there is nobody to confirm that it stopped: CANCELLING becomes CANCELLED."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal
from antiphon_server.domain.policy import ORIGINS
from antiphon_server.domain.states import CANCELLED, CANCELLING, DEFAULT_NAMES, TERMINAL, Origin, StateType, VerdictKind


@dataclass(frozen=True)
class CancelAtOnce:
    name: str = "CancelAtOnce"
    origins: frozenset[Origin] = frozenset(ORIGINS) - TERMINAL - {CANCELLING}
    targets: frozenset[StateType] = frozenset({CANCELLING})
    forceable: bool = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if facts.run.session_id is not None:
            return None
        cancelled = replace(proposal.state, type=CANCELLED, name=DEFAULT_NAMES[CANCELLED])
        return Finding(self.name, VerdictKind.REJECT, "nobody holds the run, so it is cancelled at once", cancelled)
