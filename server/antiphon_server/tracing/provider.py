"""OpenTelemetry's provider for a server, configured by its own variables."""

import threading
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

#: Seconds that the last spans get to be sent. A collector that is gone must not keep the server.
LAST_SPANS = 2.0


class Provider(TracerProvider):
    """Sends spans in batches, in a thread of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "antiphon-server"}
        super().__init__(resource=Resource.create(named), shutdown_on_exit=False)
        self.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))

    def close(self) -> None:
        """Sends what is left, for a moment."""
        sending = threading.Thread(target=self.shutdown, name="antiphon-last-spans", daemon=True)
        sending.start()
        sending.join(LAST_SPANS)


def make(environment: Mapping[str, str]) -> Provider:
    """One that sends to the collector which the environment names."""
    return Provider(environment)
