"""Spans kept in memory, and where they stand in their trace."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Traces:
    """What one provider has seen end."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, **attributes: object) -> ReadableSpan:
        """The only span with these attributes, whose names are written with `_` for `.`."""
        wanted = {f"antiphon.{name.replace('_', '.')}": value for name, value in attributes.items()}
        (found,) = (span for span in self.spans if wanted.items() <= dict(span.attributes or {}).items())
        return found


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether one stands right below the other."""
    return (
        child.parent is not None
        and child.parent.span_id == parent.context.span_id
        and child.context.trace_id == parent.context.trace_id
    )
