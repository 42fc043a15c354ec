"""What runs and calls need of traces, at the price of one look where nobody traces.

Somebody does where the program has loaded OpenTelemetry, or where the environment names a collector. Only then is
anything of it imported here.
"""

import importlib
import logging
import os
import sys
from functools import cache
from typing import Any, Final

__all__ = ["call_metadata", "current_ids", "look_at_environment", "spans", "traceparent"]

logger = logging.getLogger("antiphon.telemetry")

#: The variables by which OpenTelemetry is told of a collector.
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

_API: Final = "opentelemetry.trace"
_SPANS: Final = "antiphon.telemetry.spans"
_PROVIDER: Final = "antiphon.telemetry.provider"
#: Whether the environment names a collector.
_asked = False


def look_at_environment() -> None:
    """See whether the environment names a collector. Called at the start, and where it was changed since: a process
    that was forked for a run gets its own."""
    global _asked
    _asked = any(map(os.environ.get, _ENDPOINTS))


look_at_environment()


def spans() -> Any:
    """Return the module `antiphon.telemetry.spans`, for what makes spans; None where nobody traces."""
    if _API not in sys.modules and not _asked:
        return None
    return _load()


def _spans_if_any() -> Any:
    """The same for what looks for the current one: where nothing is loaded there is none."""
    return _load() if _API in sys.modules else None


@cache
def _load() -> Any:
    try:
        module = importlib.import_module(_SPANS)
        if _asked and not module.is_provided():
            importlib.import_module(_PROVIDER).provide()
        return module
    except ImportError as error:
        # A program that has half of it loaded wants nothing of us; one that named a collector does.
        level = logging.WARNING if _asked else logging.DEBUG
        logger.log(level, "No traces are made, OpenTelemetry is missing (%s): pip install 'antiphon[otel]'.", error)
        return None


def traceparent() -> str:
    """Return the span that the calling code is part of, as W3C Trace Context writes it; empty where there is none."""
    module = _spans_if_any()
    return module.traceparent() if module is not None else ""


def current_ids() -> dict[str, str]:
    """Return the ids of that span for records of logs: `trace_id` and `span_id`; empty where there is none."""
    module = _spans_if_any()
    return module.current_ids() if module is not None else {}


def call_metadata() -> dict[str, Any]:
    """Return what a unary call of the server is made with beyond its request, as keyword arguments: the trace."""
    here = traceparent()
    return {"metadata": (("traceparent", here),)} if here else {}
