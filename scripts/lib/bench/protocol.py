"""Workloads that speak the contract without the SDK, and those that look into the server."""

import sys
from collections.abc import Callable, Mapping

from bench.children import run_job
from bench.figures import Figure, Scale, Workload
from bench.systems import Antiphon, Site, System

_UNARY_RUNS = 1000
_STREAM_RUNS = 5000
_VERDICT_RUNS = 300
_CANCELS = 100
_WAITING_RUNS = 1000
_LIVE_RUNS = 10_000
_LINES = 200_000


def _run(site: Site, job: str, *arguments: str | int) -> dict[str, float]:
    command = [sys.executable, "-m", f"bench.jobs.{job}", *map(str, arguments)]
    return run_job(command, site.environment, site.folder)


def _target(system: System) -> str:
    if not isinstance(system, Antiphon):
        raise TypeError(f"{system.name} does not speak the contract")
    return system.target(system.warm())


def measure_unary(callers: int) -> Callable[[System, Scale], Mapping[str, float]]:
    def measure(system: System, scale: Scale) -> Mapping[str, float]:
        runs = scale.count(_UNARY_RUNS, least=callers) if callers > 1 else scale.count(_UNARY_RUNS // 4)
        return _run(system.warm(), "unary", _target(system), callers, runs)

    return measure


def measure_stream(system: System, scale: Scale) -> Mapping[str, float]:
    return _run(system.warm(), "stream", _target(system), scale.count(_STREAM_RUNS))


def measure_verdict(system: System, scale: Scale) -> Mapping[str, float]:
    return _run(system.warm(), "verdict", _target(system), scale.count(_VERDICT_RUNS))


def measure_handover(system: System, scale: Scale) -> Mapping[str, float]:
    return _run(system.warm(), "handover", _target(system), scale.count(_WAITING_RUNS, least=20))


def measure_cancel(system: System, scale: Scale) -> Mapping[str, float]:
    return _run(system.warm(), "cancel", scale.count(_CANCELS))


def measure_memory(system: System, scale: Scale) -> Mapping[str, float]:
    with system.fresh() as site:
        return _run(site, "memory", scale.count(_LIVE_RUNS))


def measure_flood(system: System, scale: Scale) -> Mapping[str, float]:
    with system.fresh() as site:
        return _run(site, "flood", scale.count(_LINES, least=1000))


WORKLOADS = (
    Workload(
        "unary_1_caller",
        (
            Figure("rate", "unary transitions, 1 caller", "/s", higher_is_better=True),
            Figure("p50", "unary transition, 1 caller, p50", "ms"),
            Figure("p99", "unary transition, 1 caller, p99", "ms"),
        ),
        measure_unary(1),
    ),
    Workload(
        "unary_64_callers",
        (
            Figure(
                *("rate", "unary transitions, 64 callers", "/s"),
                target=2500,
                higher_is_better=True,
                target_postgresql=2000,
            ),
            Figure("p50", "unary transition, 64 callers, p50", "ms"),
            Figure("p99", "unary transition, 64 callers, p99", "ms", target=50),
        ),
        measure_unary(64),
    ),
    Workload(
        "stream_transitions",
        (
            Figure(
                *("rate", "transitions batched on the stream", "/s"),
                target=10_000,
                higher_is_better=True,
                target_postgresql=8000,
            ),
            Figure("mixed", "creations and transitions batched on the stream", "/s", higher_is_better=True),
            Figure(
                "limited",
                "transitions with a limited tag and a cache key, batched on the stream",
                "/s",
                target=8000,
                higher_is_better=True,
            ),
        ),
        measure_stream,
    ),
    Workload(
        "verdict_latency",
        (
            Figure("p50", "proposal to verdict, one at a time, p50", "ms", target=2),
            Figure("p99", "proposal to verdict, one at a time, p99", "ms", target=10),
        ),
        measure_verdict,
    ),
    Workload(
        "slot_handover",
        (
            Figure(
                "p50", f"slot freed to the next one's verdict, {_WAITING_RUNS:,} waiting for 10, p50", "ms", target=5
            ),
            Figure(
                "p99", f"slot freed to the next one's verdict, {_WAITING_RUNS:,} waiting for 10, p99", "ms", target=25
            ),
        ),
        measure_handover,
    ),
    Workload(
        "cancel_latency",
        (
            Figure("p50", "cancel to exception in user code, p50", "ms"),
            Figure("p99", "cancel to exception in user code, p99", "ms", target=100),
        ),
        measure_cancel,
    ),
    Workload(
        "memory_live_runs",
        (
            Figure("rest", "server's memory at rest", "MiB", target=120),
            Figure("run", f"server's growth for each of {_LIVE_RUNS:,} live runs", "KiB", target=4),
        ),
        measure_memory,
    ),
    Workload(
        "log_flood",
        (
            Figure("line", f"one of {_LINES:,} log lines", "µs"),
            Figure("task", "the longest of ten tasks amid them", "ms"),
            Figure("growth", "the flow's process grew meanwhile by", "MiB", target=20),
            Figure("dropped", "log lines dropped", "%"),
        ),
        measure_flood,
        curve="at_",
    ),
)
