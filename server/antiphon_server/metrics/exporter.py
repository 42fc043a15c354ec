"""Serves the metrics of a server by HTTP, in the format of Prometheus. Loaded only where they are asked for: it needs
the extra `antiphon[metrics]`."""

import asyncio
import logging
import socket

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from antiphon_server.metrics.calls import CallMetrics
from antiphon_server.metrics.commits import CommitMetrics
from antiphon_server.metrics.state import StateCollector, Watched
from antiphon_server.rpc.interceptors import Interceptor

logger = logging.getLogger(__name__)


class Exporter:
    """Of one server. Make and close it in the server's event loop."""

    def __init__(self, address: str, watched: Watched) -> None:
        """`address` is HOST:PORT; port 0 takes a free one. Raises OSError for one that cannot be listened on."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        #: Stands around what turns errors into a status.
        self.interceptor: Interceptor = CallMetrics(self.registry)
        #: For `Core.observe`.
        self.observe = CommitMetrics(self.registry).observe
        self.registry.register(StateCollector(watched))
        self._listen(address)

    def _listen(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        try:
            self._http, self._thread = start_http_server(int(port), host, self.registry)
        except OSError as error:
            raise OSError(
                f"cannot serve metrics on {address}: {error.strerror or error}. Is the port taken, and is the address"
                " one of this machine?"
            ) from error
        self._host, self._port = host, self._http.server_port
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{self._port}"
        logger.info("metrics at http://%s/metrics", self.address)

    async def close(self) -> None:
        """Listens no more."""
        ending = asyncio.ensure_future(asyncio.to_thread(self._http.shutdown))
        # It looks for the word to end only between two calls, or each half a second.
        await asyncio.to_thread(self._call)
        await ending
        self._http.server_close()

    def _call(self) -> None:
        try:
            socket.create_connection((self._host, self._port), 1).close()
        except OSError as error:
            logger.debug("nobody listens for metrics any more: %s", error)
