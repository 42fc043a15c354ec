"""Pages of lists of runs, over all filters and orders that the contract documents."""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest
from antiphon_server.application.listings import FLOW_RUNS, TASK_RUNS, Listing
from antiphon_server.home import DATABASE
from bench.figures import SQLITE, Figure, Scale, Workload, percentile
from bench.list_requests import filters_of, orders_of
from bench.stored_runs import fill
from bench.systems import Antiphon, System

_RUNS = 100_000
_TARGET = 50.0


def requests_of(listing: Listing, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Filters and orders: each filter in the default order and in another one, and each order with no filter."""
    orders = orders_of(listing)
    others = cycle(orders[1:])
    for filter in filters_of(listing, known):
        for order in (orders[0], next(others)) if filter else orders:
            yield filter, order


def measure(system: System, scale: Scale) -> Mapping[str, float]:
    """Milliseconds of the call by a client, the fastest of three: what disturbs a call only makes it longer."""
    assert isinstance(system, Antiphon)
    found: dict[str, float] = {}
    with system.fresh() as site:
        known = fill(site.folder / DATABASE, scale.count(_RUNS))
        system.start(site)
        with ServiceClient(system.target(site)) as client:
            calls: list[tuple[str, Listing, Callable[[Any], Any], type[Any]]] = [
                ("flow", FLOW_RUNS, client.flow_runs.ListFlowRuns, ListFlowRunsRequest),
                ("task", TASK_RUNS, client.task_runs.ListTaskRuns, ListTaskRunsRequest),
            ]
            for kind, listing, method, request in calls:
                took = [
                    _fastest(client, method, request(filter=filter, order_by=order))
                    for filter, order in requests_of(listing, known)
                ]
                found |= {f"{kind}_worst": max(took), f"{kind}_p50": percentile(took, 50)}
    return found


def _fastest(client: ServiceClient, method: Callable[[Any], Any], request: Any) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        client.call(method, request)
        best = min(best, (time.perf_counter() - start) * 1000)
    return best


WORKLOADS = (
    Workload(
        "lists",
        (
            Figure("flow_worst", f"a page of 100 of {_RUNS:,} flow runs, worst filter and order", "ms", target=_TARGET),
            Figure("flow_p50", f"a page of 100 of {_RUNS:,} flow runs, median of filters and orders", "ms"),
            Figure("task_worst", f"a page of 100 of {_RUNS:,} task runs, worst filter and order", "ms", target=_TARGET),
            Figure("task_p50", f"a page of 100 of {_RUNS:,} task runs, median of filters and orders", "ms"),
        ),
        measure,
        stores=frozenset({SQLITE}),
    ),
)
