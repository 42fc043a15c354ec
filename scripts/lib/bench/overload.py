"""A server that is offered more than it can do: what it takes in, how fast that is, and what it costs."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from antiphon.service_client import ServiceClient
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest, GetServerInfoResponse
from bench.figures import Figure, Scale, Workload
from bench.jobs import verdict
from bench.jobs.memory import read_resident_kib
from bench.offering import Offered, ghz, offer, stored
from bench.systems import Antiphon, Site, System

_SECONDS = 8
#: Task runs that the session has meanwhile at most, more than there is time for.
_RUNS = 10_000
#: Name of a level, and how many times the capacity it is.
_LEVELS: Mapping[str, float] = {"half": 0.5, "full": 1.0, "twice": 2.0, "four": 4.0}
_TITLES: Mapping[str, str] = {"half": "0.5x", "full": "1x", "twice": "2x", "four": "4x"}


def _with_a_session(site: Site, program: str, target: str, rate: float, seconds: float) -> tuple[Offered, float]:
    """Offers, and gives beside it the p99 in ms of the verdicts that a session of its own gets meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        session = pool.submit(verdict.main, target, _RUNS, seconds)
        offered = offer(program, target, site.folder, seconds, rate)
        return offered, session.result()["p99"]


def measure_overload(system: System, scale: Scale) -> Mapping[str, float]:
    if not isinstance(system, Antiphon):
        raise TypeError(f"{system.name} does not speak the contract")
    program = ghz()
    with system.fresh() as site:
        system.start(site)
        target, seconds = system.target(site), max(_SECONDS * scale.factor, 0.5)
        with ServiceClient(target) as client:
            answer: GetServerInfoResponse = client.call(client.admin.GetServerInfo, GetServerInfoRequest())
        pid = answer.server_info.process_id
        offer(program, target, site.folder, seconds / 4)
        capacity = offer(program, target, site.folder, seconds).rate
        figures: dict[str, float] = {"capacity": capacity, "failed": 0, "lost": 0, "unasked": 0}
        for level, times in _LEVELS.items():
            offered, verdicts = _with_a_session(site, program, target, capacity * times, seconds)
            missing = len(offered.answered) - stored(target, offered)
            figures["failed"] += offered.failed
            figures["lost"] += max(missing, 0)
            figures["unasked"] += max(-missing, 0)
            measured = offered.figures() | {"verdicts": verdicts, "memory": read_resident_kib(pid) / 1024}
            figures |= {f"{level}_{key}": value for key, value in measured.items()}
    return figures


def _figures(level: str) -> tuple[Figure, ...]:
    title = f"offered {_TITLES[level]} its capacity"
    return (
        Figure(f"{level}_admitted", f"{title}: taken in", "/s", higher_is_better=True),
        Figure(f"{level}_refused", f"{title}: turned away, told when to come again", "/s"),
        Figure(f"{level}_reset", f"{title}: reset by gRPC", "/s"),
        Figure(f"{level}_p50", f"{title}: what was taken in, p50", "ms"),
        Figure(f"{level}_p99", f"{title}: what was taken in, p99", "ms", target=1000 if level == "twice" else None),
        Figure(f"{level}_verdicts", f"{title}: a session's verdicts meanwhile, p99", "ms"),
        Figure(f"{level}_memory", f"{title}: server's memory", "MiB"),
    )


WORKLOADS = (
    Workload(
        "overload",
        (
            Figure("capacity", "flow runs created, 64 callers", "/s", higher_is_better=True),
            *(figure for level in _LEVELS for figure in _figures(level)),
            Figure("failed", "neither answered nor turned away", "calls", target=0),
            Figure("lost", "acknowledged and not found afterwards", "runs", target=0),
            Figure("unasked", "turned away and found afterwards", "runs", target=0),
        ),
        measure_overload,
    ),
)
