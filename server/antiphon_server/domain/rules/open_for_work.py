"""A worker gets no run while the deployment, the work pool or the work queue is paused."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PENDING, VerdictKind


@dataclass(frozen=True)
class OpenForWork(Rule):
    """Only claims for workers are asked; who runs something by hand may. Of a paused deployment only the runs that its
    schedules made are held back."""

    targets = frozenset({PENDING})
    needs = frozenset({Fact.DEPLOYMENT})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if not proposal.claim:
            return None
        closed = _closed(facts)
        if closed is None:
            return None
        return Finding(
            self.name,
            VerdictKind.REJECT,
            f"{closed} is paused",
            facts=((closed, "paused"),),
            remedy=f"resume {closed}, or run the flow by hand",
        )


def _closed(facts: Facts) -> str | None:
    deployment, queue = facts.deployment, facts.queue
    if deployment is not None and deployment.paused and facts.run.auto_scheduled:
        return f"deployment {deployment.name!r}"
    if queue is not None and queue.pool_paused:
        return f"work pool {queue.pool_name!r}"
    if queue is not None and queue.paused:
        return f"work queue {queue.name!r}"
    return None
