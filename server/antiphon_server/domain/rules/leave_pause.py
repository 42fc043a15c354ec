"""A pause ends by going on or by an end; one that is over its time fails the run, and a suspended run needs somebody to
start it again."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding, Remember
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal, Run, State
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import (
    ALL,
    CANCELLING,
    DEFAULT_NAMES,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    VerdictKind,
)

RESUMING = "Resuming"


@dataclass(frozen=True)
class LeavePause(Rule):
    origins = frozenset({PAUSED})
    targets = ALL - {PAUSED, PENDING}
    needs = frozenset({Fact.DEPLOYMENT})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        run, target = facts.run, proposal.state.type
        if run.details.pause_reschedule and facts.deployment is None:
            return Finding(
                self.name,
                VerdictKind.REJECT,
                "the run is suspended and has no deployment that would start it again",
                remedy="cancel the run (CANCELLING), or force the state",
            )
        # A blocking pause that goes on is RUNNING at once: there is no way left to remember.
        memory = Remember(target != RUNNING, run.retry_type, run.pause_keys)
        expired = run.details.pause_expire_time
        if expired is not None and is_over(run, now) and target != CANCELLING:
            reason = f"the pause was over {(now - expired) / 1e6:.1f} s ago"
            effects = (Remember(True, run.retry_type, run.pause_keys),)
            return Finding(self.name, VerdictKind.REJECT, reason, expired_state(), effects=effects)
        return Finding(self.name, None, "the run leaves its pause", effects=(memory,))


def is_over(run: Run, now: int) -> bool:
    """Whether the pause of a PAUSED run was not ended in time. One that was ended does not expire while its holder is
    on its way to go on."""
    expired = run.details.pause_expire_time
    return expired is not None and expired < now and not run.resuming


def expired_state() -> State:
    """What a run enters whose pause was not ended in time."""
    return State(FAILED, DEFAULT_NAMES[FAILED], "the pause was not ended in time, so the run has failed")
