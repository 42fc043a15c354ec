"""Runs the workloads in rounds.

In each round all systems do the work one after the other, so what else the machine does falls on all of them.
"""

from collections.abc import Callable, Sequence

from bench.children import ChildFailed
from bench.figures import Samples, Scale, Workload
from bench.systems import System


def run_workload(
    workload: Workload, systems: Sequence[System], rounds: int, scale: Scale, say: Callable[[str], None]
) -> list[Samples]:
    """Samples of one workload for each system that can do it. A failure is kept and ends that system's rounds."""
    able = [system for system in systems if system.name in workload.systems]
    samples = {system.name: Samples(workload, system.name) for system in able}
    for number in range(rounds):
        for system in able:
            mine = samples[system.name]
            if mine.errors:
                continue
            say(f"{workload.name}, round {number + 1} of {rounds}, {system.title}")
            try:
                mine.add(workload.measure(system, scale))
            except ChildFailed as error:
                mine.errors.append(f"{error}{system.explain()}")
    return list(samples.values())
