"""Where nothing runs there is nobody to confirm that it stopped: CANCELLING becomes CANCELLED."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, Run
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.rules.leave_pause import RESUMING
from antiphon_server.domain.states import CANCELLED, CANCELLING, DEFAULT_NAMES, PAUSED, SCHEDULED, VerdictKind


@dataclass(frozen=True)
class CancelAtOnce(Rule):
    origins = frozenset({None, SCHEDULED, PAUSED})
    targets = frozenset({CANCELLING})
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if facts.run.session_id is not None or not _idle(facts.run):
            return None
        cancelled = replace(proposal.state, type=CANCELLED, name=DEFAULT_NAMES[CANCELLED])
        return Finding(self.name, VerdictKind.REJECT, "nothing runs it, so it is cancelled at once", cancelled)


def _idle(run: Run) -> bool:
    if run.state_type == PAUSED:
        return run.details.pause_reschedule
    return not run.infrastructure_pid or run.state_name == RESUMING
