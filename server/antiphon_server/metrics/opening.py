"""Starts the exporter of metrics where the extra is installed. Everything else here is loaded by this alone."""

import importlib
from typing import Any

from antiphon_server.domain.errors import FailedPrecondition

_LIBRARY = "prometheus_client"


def metrics_address(text: str) -> str:
    """`HOST:PORT` of what a person gave: a port alone is one of this machine. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > 65535 or (colon and not host):
        raise ValueError(f"{text!r} is neither PORT nor HOST:PORT, such as 127.0.0.1:4202; port 0 takes a free one")
    return f"{host or '127.0.0.1'}:{port}"


def open_exporter(address: str, **parts: Any) -> Any:
    """An `Exporter` of these parts, see `state.Watched`. Raises FailedPrecondition (METRICS_MISSING), OSError."""
    try:
        importlib.import_module(_LIBRARY)
    except ImportError as error:
        raise FailedPrecondition(
            "METRICS_MISSING",
            f"metrics were asked for on {address}, and the package prometheus-client is not installed ({error}): "
            "`pip install 'antiphon[metrics]'`, or start the server without them",
        ) from None
    exporter = importlib.import_module("antiphon_server.metrics.exporter")
    state = importlib.import_module("antiphon_server.metrics.state")
    return exporter.Exporter(address, state.Watched(**parts))
