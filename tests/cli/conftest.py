"""A command line to type at, and a server with a real socket whose answers the tests decide."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from typer.testing import CliRunner, Result

from antiphon import settings as settings_module
from antiphon.cli.main import app
from antiphon.timestamps import write_timestamp
from antiphon.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    flow_pb2,
    flow_run_pb2,
    flow_run_service_pb2,
    flow_run_service_pb2_grpc,
    flow_service_pb2,
    flow_service_pb2_grpc,
    log_pb2,
    log_service_pb2,
    log_service_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_service_pb2,
    task_run_service_pb2_grpc,
)
from running_server import RunningServer
from world import World

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def abort(context: grpc.ServicerContext, code: str, reason: str, message: str) -> None:
    """Refuse a call as the real server does."""
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="antiphon"))
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message, details=[detail])
    context.abort_with_status(rpc_status.to_status(status))


@dataclass
class Book:
    """What the fake server knows and what it was asked."""

    flows: list[flow_pb2.Flow] = field(default_factory=list)
    flow_runs: list[flow_run_pb2.FlowRun] = field(default_factory=list)
    task_runs: list[task_run_pb2.TaskRun] = field(default_factory=list)
    states: list[state_pb2.State] = field(default_factory=list)
    logs: list[log_pb2.Log] = field(default_factory=list)
    sessions: list[admin_service_pb2.Session] = field(default_factory=list)
    info: admin_service_pb2.ServerInfo = field(default_factory=admin_service_pb2.ServerInfo)
    #: Filter -> what fits it, where a test cares; every other filter lets all through.
    answers: dict[str, list[Any]] = field(default_factory=dict)
    #: Flow run -> for each call of its watch: steps. A step is a response, or a function of the context.
    watches: dict[str, list[list[Any]]] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)
    page_limit: int = 1000
    on_stop: Callable[[], None] = lambda: None

    def page(self, request: Any, items: list[Any]) -> tuple[list[Any], str]:
        """One page: tokens are offsets."""
        self.requests.append(request)
        chosen = self.answers.get(getattr(request, "filter", ""), items)
        start = int(request.page_token or 0)
        end = start + min(request.page_size or 100, self.page_limit)
        return chosen[start:end], str(end) if end < len(chosen) else ""

    def asked(self, kind: type[Any]) -> list[Any]:
        """The requests of one kind, in order."""
        return [request for request in self.requests if isinstance(request, kind)]


class FakeServicer:
    """All services at once; what is not here is refused."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def __getattr__(self, name: str) -> Callable[[Any, grpc.ServicerContext], None]:
        return lambda request, context: context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not faked")

    def ListFlows(self, request: Any, context: grpc.ServicerContext) -> Any:
        flows, token = self.book.page(request, self.book.flows)
        return flow_service_pb2.ListFlowsResponse(flows=flows, next_page_token=token)

    def ListFlowRuns(self, request: Any, context: grpc.ServicerContext) -> Any:
        if "wrong" in request.filter:
            abort(context, "INVALID_ARGUMENT", "FILTER_INVALID", "wrong filter at column 2")
        runs, token = self.book.page(request, self.book.flow_runs)
        return flow_run_service_pb2.ListFlowRunsResponse(flow_runs=runs, next_page_token=token)

    def GetFlowRun(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.book.requests.append(request)
        for run in self.book.flow_runs:
            if run.id == request.id:
                return flow_run_service_pb2.GetFlowRunResponse(flow_run=run)
        abort(context, "NOT_FOUND", "FLOW_RUN_NOT_FOUND", f"there is no flow run {request.id}")

    def ListFlowRunStates(self, request: Any, context: grpc.ServicerContext) -> Any:
        states, token = self.book.page(request, self.book.states)
        return flow_run_service_pb2.ListFlowRunStatesResponse(states=states, next_page_token=token)

    def CancelFlowRun(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.book.requests.append(request)
        run = next(run for run in self.book.flow_runs if run.id == request.id)
        if run.state.type == state_pb2.StateType.STATE_TYPE_COMPLETED:
            abort(context, "FAILED_PRECONDITION", "RUN_TERMINAL", "the run has ended")
        run.state.type = state_pb2.StateType.STATE_TYPE_CANCELLING
        run.state.name = "Cancelling"
        return flow_run_service_pb2.CancelFlowRunResponse(flow_run=run)

    def WatchFlowRun(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self.book.requests.append(request)
        for step in self.book.watches[request.id].pop(0):
            if callable(step):
                step(context)
            else:
                yield step

    def ListTaskRuns(self, request: Any, context: grpc.ServicerContext) -> Any:
        runs, token = self.book.page(request, self.book.task_runs)
        return task_run_service_pb2.ListTaskRunsResponse(task_runs=runs, next_page_token=token)

    def ListLogs(self, request: Any, context: grpc.ServicerContext) -> Any:
        newest_first = request.order_by.endswith(" desc")
        logs, token = self.book.page(request, self.book.logs[::-1] if newest_first else self.book.logs)
        return log_service_pb2.ListLogsResponse(logs=logs, next_page_token=token)

    def GetServerInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return admin_service_pb2.GetServerInfoResponse(server_info=self.book.info)

    def ListSessions(self, request: Any, context: grpc.ServicerContext) -> Any:
        sessions, token = self.book.page(request, self.book.sessions)
        return admin_service_pb2.ListSessionsResponse(sessions=sessions, next_page_token=token)

    def StopServer(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.book.requests.append(request)
        self.book.on_stop()
        return admin_service_pb2.StopServerResponse()


ADDERS: tuple[Callable[[Any, grpc.Server], None], ...] = (
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server,
    flow_run_service_pb2_grpc.add_FlowRunServiceServicer_to_server,
    flow_service_pb2_grpc.add_FlowServiceServicer_to_server,
    log_service_pb2_grpc.add_LogServiceServicer_to_server,
    task_run_service_pb2_grpc.add_TaskRunServiceServicer_to_server,
)


class FakeServer:
    """A gRPC server on a Unix socket that can be stopped and started again."""

    def __init__(self, socket: Path) -> None:
        self.book = Book()
        self.target = f"unix:{socket}"
        self.start()

    def start(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(8))
        for add in ADDERS:
            add(FakeServicer(self.book), self._server)
        self._server.add_insecure_port(self.target)
        self._server.start()

    def stop(self) -> None:
        """End at once; calls under way break."""
        self._server.stop(None).wait()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home, to which this process's settings point until the test is over."""
    folder = tmp_path / "home"
    for name in settings_module.SETTINGS.values():
        monkeypatch.delenv(name.name, raising=False)
    monkeypatch.setenv("ANTIPHON_HOME", str(folder))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr(settings_module, "_current", None)
    return folder


@pytest.fixture
def server(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A fake server, configured as the one to talk to."""
    fake = FakeServer(tmp_path / "fake.sock")
    monkeypatch.setenv("ANTIPHON_API_URL", fake.target)
    yield fake
    fake.stop()


@pytest.fixture
def book(server: FakeServer) -> Book:
    """What the fake server knows."""
    return server.book


@pytest.fixture
def antiphon(home: Path) -> Callable[..., Result]:
    """The command line: `antiphon("flow", "ls")`. Standard output and standard error are kept apart."""
    runner = CliRunner()

    def run(*arguments: str) -> Result:
        settings_module._current = None
        return runner.invoke(app, list(arguments))

    return run


class Make:
    """Makes runs with sensible contents."""

    def __init__(self) -> None:
        self._count = 0

    def id(self) -> str:
        self._count += 1
        return f"0199aaaa-0000-7000-8000-{self._count:012x}"

    def state(self, kind: str, name: str = "", message: str = "", child: str = "", age: float = 60) -> state_pb2.State:
        state = state_pb2.State(
            id=self.id(),
            type=f"STATE_TYPE_{kind}",
            name=name or kind.capitalize(),
            message=message,
        )
        if child:
            state.details.child_flow_run_id = child
        write_timestamp(state.create_time, NOW - timedelta(seconds=age))
        return state

    def flow_run(self, name: str = "brave-otter", state: state_pb2.State | None = None, **more: Any) -> Any:
        run = flow_run_pb2.FlowRun(
            **{"id": self.id(), "name": name, "flow_name": "etl", "run_count": 1, **more},
            state=state or self.state("COMPLETED"),
        )
        write_timestamp(run.create_time, NOW - timedelta(seconds=90))
        run.total_run_time.FromMilliseconds(1500)
        return run

    def task_run(self, name: str = "load-0", state: state_pb2.State | None = None, **more: Any) -> Any:
        number = self._count
        run = task_run_pb2.TaskRun(
            **{"id": self.id(), "name": name, "task_key": "load", "run_count": 1, **more},
            state=state or self.state("COMPLETED"),
        )
        write_timestamp(run.create_time, NOW - timedelta(seconds=80) + timedelta(microseconds=number))
        run.total_run_time.FromMilliseconds(250)
        return run


@pytest.fixture
def make() -> Make:
    """Makes runs and states."""
    return Make()


@pytest.fixture
def now() -> datetime:
    """The moment at which the runs of `make` are looked at."""
    return NOW


@pytest.fixture
def refusal() -> Callable[..., None]:
    """`abort(context, code, reason, message)` as the real server does it."""
    return abort


@pytest.fixture
def gate() -> threading.Event:
    """An event that a fake may wait for."""
    return threading.Event()


@pytest.fixture
def world(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A real server that the command line is configured for."""
    with RunningServer(tmp_path) as running:
        monkeypatch.setenv("ANTIPHON_API_URL", running.target)
        yield World(running)


@pytest.fixture
def said(world: World, antiphon: Callable[..., Result]) -> Callable[..., str]:
    """What a command prints that works."""

    def run(*arguments: str) -> str:
        result = antiphon(*arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return run
