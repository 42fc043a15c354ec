"""Counts gRPC calls."""

import time
from typing import Any

from prometheus_client import CollectorRegistry

from antiphon_server.metrics import catalogue
from antiphon_server.metrics.instruments import counter, gauge, histogram
from antiphon_server.rpc.interceptors import Behavior, Interceptor
from antiphon_server.rpc.status import ended_with


class CallMetrics(Interceptor):
    """Sits around what turns errors into a status. Only methods that there are come this far, so their number is
    bounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._ended = counter(catalogue.REQUESTS, registry)
        self._seconds = histogram(catalogue.REQUEST_SECONDS, registry)
        self._in_flight = gauge(catalogue.REQUESTS_IN_FLIGHT, registry)

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        return self._counted(method, behavior, timed=True)

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        return self._counted(method, behavior, timed=False)

    def _counted(self, method: str, behavior: Behavior, *, timed: bool) -> Behavior:
        name = method.removeprefix("/antiphon.v1.")
        in_flight = self._in_flight.labels(name)
        seconds = self._seconds.labels(name) if timed else None

        async def counted(request: Any, context: Any) -> Any:
            began = time.perf_counter()
            in_flight.inc()
            try:
                return await behavior(request, context)
            finally:
                if seconds is not None:
                    seconds.observe(time.perf_counter() - began)
                self._ended.labels(name, ended_with(context).name).inc()
                in_flight.dec()

        return counted
