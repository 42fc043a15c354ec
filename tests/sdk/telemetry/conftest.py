"""A server and an SDK that trace, each into a memory of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.telemetry import spans
from running_server import RunningServer
from stored import Stored, talking_to
from traces import Traces


@pytest.fixture
def server_traces() -> Traces:
    return Traces()


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Traces:
    """Those of this process's runs."""
    made = Traces()
    monkeypatch.setattr(spans, "_tracer", made.tracer)
    return made


@pytest.fixture
def traced_server(tmp_path: Path, server_traces: Traces) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, traces=server_traces.provider) as server:
        yield server


@pytest.fixture
def stored(traced_server: RunningServer, tmp_path: Path) -> Iterator[Stored]:
    """Has the SDK talk to the server that traces."""
    with talking_to(traced_server.target, tmp_path) as reading:
        yield reading
