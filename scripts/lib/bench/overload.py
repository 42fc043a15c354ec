"""A server that is offered more than it can do: what it takes in, how fast that is, and what it costs."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from antiphon.service_client import ServiceClient
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest, GetServerInfoResponse
from bench.children import run_job
from bench.figures import Figure, Scale, Workload
from bench.jobs.memory import read_resident_kib
from bench.systems import Antiphon, Site, System

_SECONDS = 8
#: Processes that offer together.
_OFFERING = 2
#: Name of a level, and how many times the capacity it is.
_LEVELS: Mapping[str, float] = {"half": 0.5, "full": 1.0, "twice": 2.0, "four": 4.0}
_TITLES: Mapping[str, str] = {"half": "0.5x", "full": "1x", "twice": "2x", "four": "4x"}


def _offer(site: Site, target: str, rate: float, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.jobs.offer", target, str(rate), str(seconds)]
    return run_job(command, site.environment, site.folder)


def _together(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The sums of rates and counts, and the worst of latencies."""
    return {
        key: max(part[key] for part in parts) if key in ("p50", "p99") else sum(part[key] for part in parts)
        for key in parts[0]
    }


def measure_overload(system: System, scale: Scale) -> Mapping[str, float]:
    if not isinstance(system, Antiphon):
        raise TypeError(f"{system.name} does not speak the contract")
    with system.fresh() as site:
        system.start(site)
        target, seconds = system.target(site), max(_SECONDS * scale.factor, 0.5)
        with ServiceClient(target) as client:
            answer: GetServerInfoResponse = client.call(client.admin.GetServerInfo, GetServerInfoRequest())
        pid = answer.server_info.process_id
        _offer(site, target, 0, seconds / 4)
        capacity = _offer(site, target, 0, seconds)["admitted"]
        figures = {"capacity": capacity}
        for level, times in _LEVELS.items():
            rate = capacity * times / _OFFERING
            with ThreadPoolExecutor(_OFFERING) as pool:
                parts = list(pool.map(lambda _, rate=rate: _offer(site, target, rate, seconds), range(_OFFERING)))
            measured = _together(parts) | {"memory": read_resident_kib(pid) / 1024}
            figures |= {f"{level}_{key}": value for key, value in measured.items()}
    figures["lost"] = sum(figures[f"{level}_lost"] for level in _LEVELS)
    return figures


def _figures(level: str) -> tuple[Figure, ...]:
    title = f"offered {_TITLES[level]} its capacity"
    return (
        Figure(f"{level}_admitted", f"{title}: taken in", "/s", higher_is_better=True),
        Figure(f"{level}_refused", f"{title}: turned away, told when to come again", "/s"),
        Figure(f"{level}_reset", f"{title}: reset by gRPC", "/s"),
        Figure(f"{level}_p50", f"{title}: what was taken in, p50", "ms"),
        Figure(f"{level}_p99", f"{title}: what was taken in, p99", "ms", target=1000 if level == "twice" else None),
        Figure(f"{level}_memory", f"{title}: server's memory", "MiB"),
    )


WORKLOADS = (
    Workload(
        "overload",
        (
            Figure("capacity", "flow runs created, 64 callers", "/s", higher_is_better=True),
            *(figure for level in _LEVELS for figure in _figures(level)),
            Figure("lost", "acknowledged and not found afterwards", "runs", target=0),
        ),
        measure_overload,
    ),
)
