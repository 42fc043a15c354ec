"""One run from the first process to the verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from antiphon.service_client import ServiceClient
from chaos import conduct, furniture, snapshot
from chaos.checks.everything import findings
from chaos.driving import Account, Driver
from chaos.evidence import Evidence, Finding
from chaos.faults import Fault, Kind, Rate, Shape, plan
from chaos.journal import read_all
from chaos.linearizability.history import judge
from chaos.quiet import Calm, calm
from chaos.scene import Scene, scene

#: Seconds for all SDK processes to begin, before the first fault; there are many, and machines are slow.
LEAD = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted. The same order makes the same plan."""

    seed: int
    seconds: float
    shape: Shape
    rates: dict[Kind, Rate]

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
            schedule = furniture.furnish(client)
        made.play()
        _wait_for_all(made, folder / "journals")
        driver = Driver(made, tell)
        driver.drive(order.plan, order.seconds)
        tell("all is mended; waiting for quiet")
        quiet = calm(made, schedule)
        tables = snapshot.read(made.database.url)
    evidence = Evidence(tables, read_all(folder / "journals"), quiet.unrest)
    judged = judge(evidence, folder)
    found = [*findings(evidence), *judged.findings, *conduct.check(driver.account, quiet)]
    return Outcome(order, driver.account, quiet, evidence, found, judged.said)


def _wait_for_all(made: Scene, journals: Path) -> None:
    """Until each process has noted something. Raises TimeoutError with what one says that has not."""
    end = time.monotonic() + LEAD
    for process in made.processes:
        while not any(journals.glob(f"{process.name}.*.journal")):
            if time.monotonic() > end:
                raise TimeoutError(f"{process.name} does not begin: {process.log.read_text()[-2000:]}")
            time.sleep(0.05)
