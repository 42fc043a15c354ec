"""Workloads of deployments: from the wish to run one to its code, and many at once."""

import sys
from collections.abc import Callable, Mapping

from bench.children import run_job
from bench.figures import Figure, Scale, Workload
from bench.systems import System

_RUNS = 200
_DRAINED = 2000
_WORKERS = 20


def _measure(what: str, whole: int, workers: int) -> Callable[[System, Scale], Mapping[str, float]]:
    def measure(system: System, scale: Scale) -> Mapping[str, float]:
        site, count = system.warm(), scale.count(whole)
        # To try the bench, few will do.
        some = max(1, scale.count(workers, least=1))
        command = [sys.executable, "-m", "bench.jobs.deployed", what, str(count), str(some)]
        return run_job(command, site.environment, site.folder)

    return measure


WORKLOADS = (
    Workload(
        "deployment_latency",
        (
            Figure("taken_p50", "run of a deployment made to taken by a warm worker, p50", "ms", target=50),
            Figure("taken_p99", "run of a deployment made to taken by a warm worker, p99", "ms"),
            Figure("code_p50", "run of a deployment made to its first line of code, p50", "ms", target=1000),
            Figure("code_p99", "run of a deployment made to its first line of code, p99", "ms"),
        ),
        _measure("latency", _RUNS, 1),
    ),
    Workload(
        "worker_drain",
        (
            Figure(
                "rate",
                f"{_DRAINED:,} runs of a deployment by {_WORKERS} workers, a process each",
                "/s",
                higher_is_better=True,
            ),
        ),
        _measure("drain", _DRAINED, _WORKERS),
    ),
)
