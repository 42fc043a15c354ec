"""One run from the first process to the verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from antiphon.service_client import ServiceClient
from chaos import furniture, snapshot
from chaos.checks.everything import findings
from chaos.driving import Account, Driver
from chaos.evidence import Evidence, Finding
from chaos.faults import Fault, Kind, Rate, Shape, plan
from chaos.journal import read_all
from chaos.linearizability.history import judge
from chaos.quiet import Calm, calm
from chaos.scene import scene

#: Seconds before the first fault, in which all begin.
LEAD = 3.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted. The same order makes the same plan."""

    seed: int
    seconds: float
    shape: Shape
    #: In place of those of `faults.RATES`.
    rates: dict[Kind, Rate] | None = None

    @property
    def plan(self) -> list[Fault]:
        return plan(self.seed, self.seconds, self.shape, self.rates)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, what it left, and what is wrong with it."""

    order: Order
    account: Account
    calm: Calm
    evidence: Evidence
    findings: list[Finding]
    #: What the checker of histories said of the registers, or why it was not asked.
    registers: str


def run(order: Order, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """Everything happens in `folder`: journals, logs, homes. Raises where the harness itself cannot go on."""
    with scene(order.shape, order.seed, folder) as made:
        made.serve()
        with ServiceClient(made.target) as client:
            deployment = furniture.furnish(client)
        made.play()
        time.sleep(LEAD)
        driver = Driver(made, tell)
        driver.drive(order.plan, order.seconds)
        tell("all is mended; waiting for quiet")
        quiet = calm(made, deployment)
        tables = snapshot.read(made.database.url)
    evidence = Evidence(tables, read_all(folder / "journals"), quiet.unrest)
    judged = judge(evidence.entries, folder)
    found = [*findings(evidence), *judged.findings]
    return Outcome(order, driver.account, quiet, evidence, found, judged.said)
