import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from antiphon.cli import server_control
from antiphon.cli.server_control import ServerStart, ServerStays, wait_until_gone
from antiphon.embedded_server import accepts, socket_path
from antiphon.exceptions import AntiphonException
from antiphon.v1 import admin_service_pb2 as pb

Cli = Callable[..., Result]
FAKE_SERVER = Path(__file__).parents[1] / "sdk" / "fake_server.py"


@pytest.fixture
def fake_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Servers that are started are fakes; gives the home. They are killed at the end."""
    command = (sys.executable, str(FAKE_SERVER), "serve")
    monkeypatch.setattr(server_control, "SERVER_COMMAND", command)
    yield home
    starts = home / "starts"
    for process_id in starts.read_text().split() if starts.exists() else []:
        os.kill(int(process_id), signal.SIGKILL)


def test_status(antiphon: Cli, book: Any, make: Any) -> None:
    book.info = pb.ServerInfo(
        version="1.2.3", process_id=4321, addresses=["unix:/s", "127.0.0.1:4200"], database="sqlite:////x.db"
    )
    active = pb.Session(id=make.id(), client="cli-7", epoch=2, status=pb.SessionStatus.SESSION_STATUS_ACTIVE)
    gone = pb.Session(id=make.id(), client="gone", epoch=1, status=pb.SessionStatus.SESSION_STATUS_LOST)
    book.sessions = [active, gone]
    result = antiphon("server", "status")
    assert result.exit_code == 0, result.stderr
    for expected in ("running, process id 4321", "1.2.3", "unix:/s, 127.0.0.1:4200", "sqlite:////x.db", "cli-7"):
        assert expected in result.stdout
    assert "2 times" in result.stdout
    assert "gone" not in result.stdout
    shown = json.loads(antiphon("server", "status", "--json").stdout)
    assert shown.keys() == {"target", "server_info", "sessions"}
    assert shown["server_info"]["process_id"] == 4321
    assert [session["id"] for session in shown["sessions"]] == [active.id]


@pytest.mark.parametrize("command", ["status", "stop"])
def test_no_server_and_none_is_started(antiphon: Cli, home: Path, command: str) -> None:
    result = antiphon("server", command)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith(f"Error: No server runs at unix:{home}/server.sock. ")
    assert not home.exists()


def test_configured_server_that_is_not_there(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_URL", "127.0.0.1:1")
    result = antiphon("server", "status")
    assert result.exit_code == 4
    assert "No server answers at 127.0.0.1:1" in result.stderr


def test_stop_of_a_server_elsewhere(antiphon: Cli, server: Any) -> None:
    server.book.info.process_id = 4321
    result = antiphon("server", "stop", "--reason", "tired")
    assert (result.exit_code, result.stdout) == (0, f"The server at {server.target} was asked to stop.\n")
    assert [request.reason for request in server.book.asked(pb.StopServerRequest)] == ["tired"]


def test_stop_of_one_of_several_servers_wants_to_know_which(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_URL", "one:4200,two:4200")
    result = antiphon("server", "stop")
    assert result.exit_code == 1
    assert "ANTIPHON_API_URL=HOST:PORT antiphon server stop" in result.stderr.replace("\n", " ")


def test_stop_waits_until_the_process_is_gone(antiphon: Cli, server: Any, home: Path) -> None:
    server.book.info.process_id = 4321
    home.mkdir()
    lock = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, b"4321\n")
    waiting = threading.Event()
    server.book.on_stop = waiting.set
    results: list[Result] = []
    stopping = threading.Thread(target=lambda: results.append(antiphon("server", "stop")))
    stopping.start()
    waiting.wait()
    assert not results
    os.close(lock)
    stopping.join()
    assert (results[0].exit_code, results[0].stdout) == (0, "The server (process id 4321) has stopped.\n")


def test_stop_that_takes_too_long_is_told(home: Path) -> None:
    home.mkdir()
    with (home / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ServerStays, match=r"process id 7\) has not stopped within 0\.05 s.*server\.log"):
            wait_until_gone(home, 7, 0.05)


def test_start_in_the_background(antiphon: Cli, fake_command: Path) -> None:
    home = fake_command
    result = antiphon("server", "start", "--background", "--port", "4321")
    assert result.exit_code == 0, result.stderr
    process_id = int((home / "starts").read_text())
    assert result.stdout == (
        f"The server is ready (process id {process_id}) at unix:{home}/server.sock 127.0.0.1:4321.\n"
    )
    assert accepts(socket_path(home))
    for more in ([], ["--background"]):
        again = antiphon("server", "start", *more)
        assert (again.exit_code, again.stdout) == (1, "")
        assert f"A server runs already at unix:{home}/server.sock (process id {process_id})" in again.stderr


def test_start_in_the_foreground_becomes_the_server(home: Path, tmp_path: Path) -> None:
    """In a process of its own, for it is replaced."""
    program = (
        "import sys; from antiphon.cli import server_control, main\n"
        f"server_control.SERVER_COMMAND = {(sys.executable, str(FAKE_SERVER), 'serve')!r}\n"
        "sys.argv = ['antiphon', 'server', 'start', '--host', '::1', '--port', '0', '--socket', sys.argv[1]]\n"
        "main.main()"
    )
    path = tmp_path / "own.sock"
    os.mkfifo(tmp_path / "told")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], env={**os.environ, "FAKE_TELLS": str(tmp_path / "told")}
    )
    try:
        assert (tmp_path / "told").read_text() == f"ready unix:{path} [::1]:0\n"
        assert int((home / "starts").read_text()) == process.pid
        with (home / "start.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it let the lock go when it was ready
    finally:
        process.kill()
        process.wait()


def test_start_for_everybody_is_noted(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def execv(path: str, arguments: list[str]) -> None:
        called.append(arguments)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    result = antiphon("server", "start", "--host", "0.0.0.0")
    assert result.stderr == (
        "Note: Whoever reaches 0.0.0.0 on port 4200 can use this server: it asks nobody who they are.\n"
    )
    assert called[0][called[0].index("--listen") + 1] == "0.0.0.0:4200"
    assert antiphon("server", "start", "--host", "localhost").stderr == ""


def test_socket_path_that_is_too_long(home: Path) -> None:
    wanted = ServerStart(home, "127.0.0.1", 4200, "/" + "x" * 120, 1)
    with pytest.raises(AntiphonException, match="too long"):
        _ = wanted.socket_path


def test_port_must_be_one(antiphon: Cli) -> None:
    assert antiphon("server", "start", "--port", "65536").exit_code == 2


@pytest.fixture
def told_options(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[str]:
    """What a server is started with."""
    told: list[str] = []

    def start(home: Path, lock: int, options: list[str], *rest: Any, **more: Any) -> str:
        told.extend(options)
        return "127.0.0.1:1"

    monkeypatch.setattr(server_control, "start", start)
    return told


@pytest.mark.parametrize(
    ("given", "environment", "told"),
    [
        ((), {}, None),
        (("--metrics", "9090"), {}, "127.0.0.1:9090"),
        (("--metrics", "0.0.0.0:9090"), {}, "0.0.0.0:9090"),
        ((), {"ANTIPHON_SERVER_METRICS_ENABLED": "true"}, "127.0.0.1:4202"),
        ((), {"ANTIPHON_SERVER_METRICS_ADDRESS": "1"}, None),
        (
            (),
            {"ANTIPHON_SERVER_METRICS_ENABLED": "true", "ANTIPHON_SERVER_METRICS_ADDRESS": "[::1]:1"},
            "[::1]:1",
        ),
        (("--metrics", "2"), {"ANTIPHON_SERVER_METRICS_ENABLED": "true"}, "127.0.0.1:2"),
    ],
)
def test_where_metrics_are_served(
    antiphon: Cli,
    told_options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    environment: dict[str, str],
    told: str | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = antiphon("server", "start", "--background", *given)
    assert result.exit_code == 0, result.stderr
    assert ("--metrics" in told_options) == (told is not None)
    if told is not None:
        assert told_options[told_options.index("--metrics") + 1] == told


@pytest.mark.parametrize("address", ["nowhere", ":9090", "host:x", "65536"])
def test_metrics_at_what_is_no_address(antiphon: Cli, address: str) -> None:
    result = antiphon("server", "start", "--background", "--metrics", address)
    assert result.exit_code == 2
    assert "a port from 0 to 65535 is needed" in " ".join(result.stderr.split())


def test_the_format_of_the_log(antiphon: Cli, told_options: list[str]) -> None:
    assert antiphon("server", "start", "--background", "--log-format", "JSON").exit_code == 0
    assert told_options[told_options.index("--log-format") + 1] == "json"


def test_where_leases_are_kept_is_not_told_by_the_list_of_processes(
    antiphon: Cli, told_options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, url = "ANTIPHON_SERVER_CONCURRENCY_LEASE_STORAGE", "redis://:secret@localhost:6379/0"
    monkeypatch.setenv(name, "")
    assert antiphon("server", "start", "--background", "--lease-storage", url).exit_code == 0
    assert os.environ[name] == url
    assert "secret" not in " ".join(told_options)
