"""Traces where the environment names a collector and the extra is there. All else here is loaded by this alone."""

import importlib
import logging
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)

#: The variables by which OpenTelemetry is told of a collector.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def provider_of(environment: Mapping[str, str]) -> Any:
    """OpenTelemetry's provider of spans; None where no collector is named."""
    endpoint = next(filter(None, map(environment.get, ENDPOINTS)), None)
    if endpoint is None:
        return None
    try:
        provider = importlib.import_module("antiphon_server.tracing.provider").make(environment)
    except ImportError as error:
        logger.warning(
            "no traces are sent to %s, OpenTelemetry is missing (%s): `pip install 'antiphon[otel]'`", endpoint, error
        )
        return None
    logger.info("traces go to %s", endpoint)
    return provider


def open_tracing(provider: Any) -> Any:
    """A `spans.Tracing` that makes its spans by this provider."""
    return importlib.import_module("antiphon_server.tracing.spans").Tracing(provider)
