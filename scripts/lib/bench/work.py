"""Workloads of flows and tasks through the public names."""

from collections.abc import Mapping

from bench.children import run_job
from bench.figures import Figure, Scale, Workload
from bench.startup import ALL
from bench.systems import System

_SEQUENTIAL = 500
_MAPPED = 1000
_EMPTY = 300
#: Prefect waits about a second in each flow run.
_EMPTY_PREFECT = 10


def _seconds(system: System, workload: str, count: int) -> float:
    site = system.warm()
    return run_job(system.flows(workload, count), site.environment, site.folder)["seconds"]


def measure_sequential(system: System, scale: Scale) -> Mapping[str, float]:
    """Tasks called one after another in one flow."""
    count = scale.count(_SEQUENTIAL)
    return {"task": _seconds(system, "sequential_tasks", count) / count * 1000}


def measure_mapped(system: System, scale: Scale) -> Mapping[str, float]:
    """One `.map` and the wait for all its results."""
    count = scale.count(_MAPPED)
    return {"task": _seconds(system, "mapped_tasks", count) / count * 1000}


def measure_empty(system: System, scale: Scale) -> Mapping[str, float]:
    """Flows that do nothing, one after another in one process."""
    count = scale.count(_EMPTY_PREFECT if system.name == "prefect" else _EMPTY)
    return {"rate": count / _seconds(system, "empty_flows", count)}


WORKLOADS = (
    Workload(
        "sequential_tasks",
        (Figure("task", f"one of {_SEQUENTIAL} sequential tasks", "ms", target=1.0),),
        measure_sequential,
        ALL,
    ),
    Workload(
        "mapped_tasks",
        (Figure("task", f"one of {_MAPPED} mapped tasks", "ms", target=0.5),),
        measure_mapped,
        ALL,
    ),
    Workload(
        "empty_flows",
        (Figure("rate", "empty flow runs, one after another", "/s", target=500, higher_is_better=True),),
        measure_empty,
        ALL,
    ),
)
