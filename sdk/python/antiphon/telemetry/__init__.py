"""Traces of runs by OpenTelemetry, where somebody asks for them: the extra `antiphon[otel]`."""

__all__: list[str] = []
