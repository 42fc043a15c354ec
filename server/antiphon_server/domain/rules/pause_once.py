"""A run pauses once for each key; it is suspended only where somebody can schedule it again."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding, Remember
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import NO_DETAILS, Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PAUSED, RUNNING, VerdictKind


@dataclass(frozen=True)
class PauseOnce(Rule):
    origins = frozenset({RUNNING})
    targets = frozenset({PAUSED})
    needs = frozenset({Fact.DEPLOYMENT})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        run, details = facts.run, proposal.state.details or NO_DETAILS
        if details.pause_key and details.pause_key in run.pause_keys:
            return Finding(
                self.name,
                VerdictKind.REJECT,
                f"the run has paused for key {details.pause_key!r} already",
                facts=(("keys used", ", ".join(run.pause_keys)),),
                remedy="go on without a pause, or pause with another key",
            )
        if details.pause_reschedule:
            obstacle = _no_return(facts)
            if obstacle is not None:
                return Finding(self.name, VerdictKind.ABORT, obstacle[0], remedy=obstacle[1])
        # A pause without a key is one of its own kind: the id of the transition tells it from all others.
        key = details.pause_key or proposal.transition_id
        memory = Remember(run.resuming, run.retry_type, (*run.pause_keys, key))
        return Finding(self.name, None, f"pauses for key {key!r}", effects=(memory,))


def _no_return(facts: Facts) -> tuple[str, str] | None:
    if facts.run.parent_task_run_id is not None:
        return "a subflow cannot be suspended, since its parent waits for it", "pause it, or suspend the parent"
    if facts.deployment is None:
        return (
            "a run without a deployment cannot be suspended, since nobody would start it again",
            "pause it, or run the flow from a deployment",
        )
    return None
