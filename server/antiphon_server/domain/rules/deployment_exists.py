"""A run whose deployment is gone is not claimed: nobody knows any more how to run it."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import ANYWHERE, Rule
from antiphon_server.domain.states import PENDING, VerdictKind


@dataclass(frozen=True)
class DeploymentExists(Rule):
    origins = ANYWHERE - {PENDING}
    targets = frozenset({PENDING})
    needs = frozenset({Fact.DEPLOYMENT})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        named = facts.run.deployment_id
        if named is None or facts.deployment is not None:
            return None
        return Finding(
            self.name,
            VerdictKind.ABORT,
            f"its deployment {named} was deleted",
            remedy="delete the run, or propose RUNNING where you can run it yourself",
        )
