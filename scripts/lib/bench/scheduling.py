"""Workloads of the scheduler: planning, a clock that is put forward, and a server with nothing to do."""

import sys
from collections.abc import Mapping

from antiphon.embedded_server import read_pid
from bench.children import run_job
from bench.figures import SQLITE, Figure, Scale, Workload
from bench.systems import Antiphon, Site, System

_SCHEDULES = 10_000
_EACH_MINUTE = 100
_IDLE = 1_000
#: Of which the scheduler looks at schedules more than once.
_IDLE_SECONDS = 70


def _run(site: Site, job: str, *arguments: str | int) -> dict[str, float]:
    command = [sys.executable, "-m", f"bench.jobs.{job}", *map(str, arguments)]
    return run_job(command, site.environment, site.folder)


def measure_planning(system: System, scale: Scale) -> Mapping[str, float]:
    with system.fresh() as site:
        return _run(site, "planning", scale.count(_SCHEDULES, least=100))


def measure_each_minute(system: System, scale: Scale) -> Mapping[str, float]:
    with system.fresh() as site:
        return _run(site, "each_minute", scale.count(_EACH_MINUTE, least=2))


def measure_idle(system: System, scale: Scale) -> Mapping[str, float]:
    if not isinstance(system, Antiphon):
        raise TypeError(f"{system.name} has no server of this kind")
    with system.fresh() as site:
        system.start(site)
        count, seconds = scale.count(_IDLE, least=20), scale.count(_IDLE_SECONDS, least=2)
        return _run(site, "idle_schedules", system.target(site), read_pid(site.folder) or 0, count, seconds)


WORKLOADS = (
    Workload(
        "schedules_planned",
        (
            Figure("seconds", f"{_SCHEDULES:,} schedules planned, each run durable", "s", target=2.0),
            Figure("cpu", "of that, time on the CPU", "s"),
            Figure("one", "one of them changed and planned anew", "ms"),
        ),
        measure_planning,
        stores=frozenset({SQLITE}),
    ),
    Workload(
        "each_minute",
        (
            Figure("seconds", f"{_EACH_MINUTE} deployments each minute for an hour of a moved clock", "s", target=60.0),
            Figure("late", "of these runs, late or missing", "", target=0.0),
        ),
        measure_each_minute,
        stores=frozenset({SQLITE}),
    ),
    Workload(
        "idle_schedules",
        (Figure("percent", f"idle server with {_IDLE:,} scheduled deployments, of a core", "%", target=2.0),),
        measure_idle,
    ),
)
