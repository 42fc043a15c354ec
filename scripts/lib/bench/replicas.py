"""Workloads of several servers on one PostgreSQL."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from antiphon_server.home import DATABASE_URL
from bench.children import ChildFailed, clean_environment, run_job
from bench.figures import POSTGRESQL, Figure, Scale, Workload, percentile
from bench.systems import Site, System
from chaos.replica import Replica

_REPLICAS = 2
_RUNS = 3000
#: Processes with a session each, and how often each server goes away under them.
_PROCESSES, _TIMES = 4, 6
_SESSION_TTL = 30.0
_PATIENCE = 60.0


@contextmanager
def _serving(system: System) -> Iterator[tuple[Site, Sequence[Replica]]]:
    """A database, and servers on it."""
    with system.fresh() as site:
        database = site.environment[DATABASE_URL]
        servers = [Replica(number, site.folder, database, _SESSION_TTL) for number in range(_REPLICAS)]
        try:
            for server in servers:
                server.up()
            yield site, servers
        finally:
            for server in servers:
                server.end(signal.SIGTERM)


def measure_streams(system: System, scale: Scale) -> Mapping[str, float]:
    """As many clients each time: all at one server, and spread over all."""
    runs = scale.count(_RUNS)

    def transitions(site: Site, addresses: Sequence[str]) -> float:
        def run(address: str) -> float:
            command = [sys.executable, "-m", "bench.jobs.stream", address, str(runs)]
            return run_job(command, site.environment, site.folder)["rate"]

        with ThreadPoolExecutor(len(addresses)) as pool:
            return sum(pool.map(run, addresses))

    with _serving(system) as (site, servers):
        addresses = [server.address for server in servers]
        transitions(site, addresses)
        one = transitions(site, addresses[:1] * len(addresses))
        all_ = transitions(site, addresses)
    return {"one": one, "two": all_, "ratio": all_ / one}


def measure_failover(system: System, scale: Scale) -> Mapping[str, float]:
    """Servers are killed in turns."""
    return _pauses(system, scale, lambda server: server.end(signal.SIGKILL))


def measure_rolling(system: System, scale: Scale) -> Mapping[str, float]:
    """Servers are restarted in turns, each once the one before serves."""
    return _pauses(system, scale, lambda server: server.end(signal.SIGTERM))


def _pauses(system: System, scale: Scale, end: Callable[[Replica], object]) -> Mapping[str, float]:
    """How long flows stood still whenever their server went away."""
    with _serving(system) as (site, servers), _jobs(site, ",".join(server.address for server in servers)) as jobs:
        for job in jobs:
            _hear(job)
        for _ in range(scale.count(_TIMES, least=1)):
            for server in servers:
                end(server)
                server.up()
        for job in jobs:
            assert job.stdin is not None
            job.stdin.close()
        told = [_hear(job) for job in jobs]
        for job in jobs:
            job.wait(_PATIENCE)
    pauses = [pause for each in told for pause in each["pauses"]]
    return {
        "p50": percentile(pauses, 50),
        "p99": percentile(pauses, 99),
        "pauses": len(pauses),
        "failed": sum(each["failed"] for each in told),
    }


@contextmanager
def _jobs(site: Site, target: str) -> Iterator[Sequence["subprocess.Popen[str]"]]:
    environment = clean_environment({"ANTIPHON_HOME": str(site.folder), "ANTIPHON_API_URL": target})
    command = [sys.executable, "-m", "bench.jobs.steady"]
    pipe = subprocess.PIPE
    with (site.folder / "jobs.log").open("ab") as log:
        jobs = [
            subprocess.Popen(command, env=environment, cwd=site.folder, stdin=pipe, stdout=pipe, stderr=log, text=True)
            for _ in range(_PROCESSES)
        ]
    try:
        yield jobs
    finally:
        for job in jobs:
            job.kill()


def _hear(job: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line of a job."""
    assert job.stdout is not None
    line = job.stdout.readline()
    if not line:
        raise ChildFailed(f"a job ended with exit code {job.wait(_PATIENCE)} before it had said what it saw")
    heard: dict[str, Any] = json.loads(line)
    return heard


def _pause_figures(what: str, target: float) -> tuple[Figure, ...]:
    return (
        Figure("p50", f"{what}: flows stood still, p50", "ms"),
        Figure("p99", f"{what}: flows stood still, p99", "ms", target_postgresql=target),
        Figure("pauses", f"{what}: so many times", ""),
        Figure("failed", f"{what}: flows that failed", "", target_postgresql=0),
    )


WORKLOADS = (
    Workload(
        "two_replicas",
        (
            Figure("one", "transitions on streams of 2 clients, one server", "/s", None, True, 8000),
            Figure("two", "transitions on streams of 2 clients, two servers", "/s", None, True, 8000),
            Figure("ratio", "two servers in terms of one", "x", None, True),
        ),
        measure_streams,
        stores=frozenset({POSTGRESQL}),
    ),
    Workload(
        "failover",
        _pause_figures("server killed", 2000),
        measure_failover,
        stores=frozenset({POSTGRESQL}),
    ),
    Workload(
        "rolling_restart",
        _pause_figures("server restarted", 1000),
        measure_rolling,
        stores=frozenset({POSTGRESQL}),
    ),
)
