"""A provider of spans for a program that has set none. It is configured by OpenTelemetry's own variables."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

__all__ = ["provide"]


def provide() -> None:
    """Set a provider that sends spans to the collector which the environment names."""
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "antiphon"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
