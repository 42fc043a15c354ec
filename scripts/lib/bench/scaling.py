"""Workloads of many tasks at once, and of many in one flow."""

import sys
from collections.abc import Mapping

from bench.children import run_job
from bench.figures import Figure, Scale, Workload
from bench.systems import System

_SLEEPING = 5000
_SLEEP_SECONDS = 1.0
_LONG = 10_000
_STEPS = 10


def measure_fan_out(system: System, scale: Scale) -> Mapping[str, float]:
    """An async flow that gathers sleeping tasks, beside bare asyncio and beside tasks that do not sleep."""
    site, count = system.warm(), scale.count(_SLEEPING)
    command = [sys.executable, "-m", "bench.jobs.fan_out", str(count), str(_SLEEP_SECONDS)]
    took = run_job(command, site.environment, site.folder)
    return {"over": (took["both"] / (took["bare"] + took["transitions"]) - 1) * 100, "transitions": took["transitions"]}


def measure_long_flow(system: System, scale: Scale) -> Mapping[str, float]:
    """A flow of many tasks; how its process grows in the second half, when all that it needs is there."""
    site, count = system.warm(), scale.count(_LONG)
    command = [sys.executable, "-m", "bench.jobs.long_flow", str(count), str(_STEPS)]
    curve = run_job(command, site.environment, site.folder)
    return curve | {"growth": curve[f"at_{_STEPS - 1:02}"] - curve[f"at_{_STEPS // 2 - 1:02}"]}


WORKLOADS = (
    Workload(
        "fan_out",
        (
            Figure("over", f"{_SLEEPING:,} sleeping tasks, over bare asyncio and transitions", "%", target=10),
            Figure("transitions", f"{_SLEEPING:,} tasks in one loop that do not sleep", "s"),
        ),
        measure_fan_out,
    ),
    Workload(
        "long_flow",
        (Figure("growth", f"memory from task {_LONG // 2:,} to {_LONG:,} of one flow", "MiB", target=5),),
        measure_long_flow,
        curve="at_",
    ),
)
