"""Counts gRPC calls."""

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import grpc
from prometheus_client import CollectorRegistry

from antiphon_server.metrics import catalogue
from antiphon_server.metrics.instruments import counter, gauge, histogram
from antiphon_server.rpc.interceptors import Behavior, Interceptor

_NAMES: Mapping[int, str] = MappingProxyType({code.value[0]: code.name for code in grpc.StatusCode})


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
            began, cancelled = time.perf_counter(), False
            in_flight.inc()
            try:
                return await behavior(request, context)
            except asyncio.CancelledError:
                cancelled = True
                raise
            finally:
                in_flight.dec()
                self._ended.labels(name, "CANCELLED" if cancelled else _code(context)).inc()
                if seconds is not None:
                    seconds.observe(time.perf_counter() - began)

        return counted


def _code(context: Any) -> str:
    """How the call ends."""
    code = context.code()
    if isinstance(code, grpc.StatusCode):
        return str(code.name)
    return _NAMES.get(code or 0, "UNKNOWN")
