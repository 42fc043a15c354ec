"""Nothing of OpenTelemetry is loaded where nobody asks, and a program runs the same where it cannot be had."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from threading import Event

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from antiphon.telemetry import tracing
from running_server import RunningServer

PROGRAM = """
import sys
{before}
from antiphon import flow, task

@task
def one() -> int:
    return 1

@flow(name="counts")
def counts() -> int:
    return one() + one()

assert counts() == 2
print(*sorted(name for name in sys.modules if name in ("opentelemetry", "opentelemetry.trace", "opentelemetry.sdk")))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


def run(server: RunningServer, home: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "ANTIPHON_"))}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        env={**known, "ANTIPHON_API_URL": server.target, "ANTIPHON_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_nothing_is_loaded_where_nobody_traces(server: RunningServer, tmp_path: Path) -> None:
    done = run(server, tmp_path)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_without_the_extra_a_named_collector_is_warned_of(server: RunningServer, tmp_path: Path) -> None:
    hide = "sys.modules['opentelemetry'] = None"
    done = run(server, tmp_path, hide, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("No traces are made, OpenTelemetry is missing") == 1
    assert "pip install 'antiphon[otel]'" in done.stderr


def test_a_program_that_loads_the_interface_alone_runs(server: RunningServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, "import opentelemetry.trace")
    assert (done.returncode, done.stdout) == (0, "opentelemetry opentelemetry.trace\n"), done.stderr


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans in, by OTLP."""

    def __init__(self) -> None:
        self.came = Event()
        self.services: set[str] = set()
        self.spans: list[str] = []

    def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext) -> object:
        for resource in request.resource_spans:
            self.services |= {
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            }
            self.spans += [span.name for scope in resource.scope_spans for span in scope.spans]
        self.came.set()
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    taken = Collector()
    serving = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(taken, serving)
    port = serving.add_insecure_port("127.0.0.1:0")
    serving.start()
    yield taken, f"http://127.0.0.1:{port}"
    serving.stop(None).wait()


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_a_collector_that_the_environment_names_gets_the_spans(
    server: RunningServer, tmp_path: Path, collector: tuple[Collector, str], variable: str
) -> None:
    taken, address = collector
    done = run(server, tmp_path, **{variable: address})
    assert done.returncode == 0, done.stderr
    assert taken.came.wait(20)
    assert taken.services == {"antiphon"}
    assert len(taken.spans) == 3, "a flow and two tasks, sent before the program ended"


def test_a_collector_that_is_gone_does_not_keep_a_program(server: RunningServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr


def test_a_command_that_makes_no_span_loads_nothing_though_a_collector_is_named(
    server: RunningServer, tmp_path: Path
) -> None:
    code = "import sys\nfrom antiphon.cli.main import main\nsys.argv[1:] = ['server', 'status']\ntry:\n    main()\n"
    code += "except SystemExit as end:\n    assert not end.code, end.code\nprint('opentelemetry' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "ANTIPHON_API_URL": server.target,
            "ANTIPHON_HOME": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"


def test_what_a_process_of_a_run_is_told_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_asked", False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing.look_at_environment()
    assert tracing._asked
