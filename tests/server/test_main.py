"""The server's process: what it says to whoever starts it, what it refuses, and when it leaves."""

import asyncio
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from antiphon.v1 import admin_service_pb2, admin_service_pb2_grpc, session_pb2
from antiphon_server.__main__ import _may_leave
from hand_session import HandSession
from server_process import ServerProcess, server_environment
from stores import POSTGRESQL, change, committed, only_sqlite

Start = Callable[..., ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers, of the test's folder unless told otherwise, and ends them."""
    started: list[ServerProcess] = []

    def start_one(*arguments: str, home: Path = tmp_path, **options: object) -> ServerProcess:
        started.append(ServerProcess(home, *arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start_one
    for server in started:
        server.close()


def info(server: ServerProcess) -> admin_service_pb2.ServerInfo:
    with server.channel() as channel:
        stub = admin_service_pb2_grpc.AdminServiceStub(channel)
        return stub.GetServerInfo(admin_service_pb2.GetServerInfoRequest()).server_info


def test_it_says_where_it_listens_once_it_does(start: Start, tmp_path: Path) -> None:
    server = start("--socket", str(tmp_path / "s"), "--listen", "127.0.0.1:0", home=tmp_path / "new" / "home")
    ready, unix, tcp = server.said().split(" ")
    assert (ready, unix) == ("ready", f"unix:{tmp_path / 's'}")
    host, _, port = tcp.partition(":")
    with socket.create_connection((host, int(port)), 10):
        pass
    server.target = unix
    said = info(server)
    assert (said.process_id, list(said.addresses)) == (server.process.pid, [unix, tcp])
    assert said.durability == ("postgresql synchronous_commit=on" if POSTGRESQL else "sqlite wal synchronous=FULL")
    assert stat.S_IMODE(os.stat(tmp_path / "s").st_mode) == 0o600
    home = tmp_path / "new" / "home"
    assert stat.S_IMODE(os.stat(home).st_mode) == 0o700
    assert (home / "server.lock").read_text() == f"{server.process.pid}\n"


def test_the_lock_of_its_starter_is_let_go_when_it_serves(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "start.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    ready, theirs = os.pipe()
    arguments = ["--home", str(tmp_path), "--socket", str(tmp_path / "s")]
    arguments += ["--ready-fd", str(theirs), "--lock-fd", str(lock)]
    environment = server_environment(tmp_path) | os.environ
    command = [sys.executable, "-m", "antiphon_server", *arguments]
    server = subprocess.Popen(command, pass_fds=(theirs, lock), env=environment)
    os.close(theirs)
    os.close(lock)  # From now on only the server holds it.
    other = os.open(tmp_path / "start.lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)  # Waits for just that.
    assert os.read(ready, 4096).startswith(b"ready ")
    assert os.read(ready, 4096) == b"", "it said all that it had to say"
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0
    for descriptor in (ready, other):
        os.close(descriptor)


def test_a_starter_that_has_died_does_not_matter(start: Start, tmp_path: Path) -> None:
    server = start()
    server.forsake()
    with server.channel() as channel:
        stub = admin_service_pb2_grpc.AdminServiceStub(channel)
        request = admin_service_pb2.GetServerInfoRequest()
        assert stub.GetServerInfo(request, timeout=30, wait_for_ready=True).server_info.process_id == server.process.pid
    assert server.end() == 0


def test_a_second_server_of_one_home_says_so_and_leaves(start: Start, tmp_path: Path) -> None:
    first = start().serving()
    second = start(socket=tmp_path / "other")
    assert second.said() == f"error a server (process {first.process.pid}) uses {tmp_path} already"
    assert second.wait() == 3
    assert f"process {first.process.pid}" in second.output()
    assert info(first).process_id == first.process.pid
    assert first.end() == 0
    assert start().serving().end() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--session-ttl", "0"], "too short"),
        (["--session-ttl", "nan"], "no number of seconds"),
        (["--session-ttl", "-1"], "no number of seconds"),
        (["--session-ttl", "soon"], "invalid"),
        (["--idle-timeout", "-1"], "no number of seconds"),
        (["--idle-timeout", "inf"], "no number of seconds"),
        (["--listen", "localhost"], "HOST:PORT"),
        (["--listen", "localhost:99999"], "HOST:PORT"),
        (["--listen", ":0"], "HOST:PORT"),
        (["--ready-fd", "987"], "Bad file descriptor"),
        (["--log-level", "LOUD"], "invalid choice"),
    ],
)
def test_arguments_that_cannot_be_are_refused(start: Start, tmp_path: Path, arguments: list[str], says: str) -> None:
    server = start(*arguments, home=tmp_path / "home")
    assert (server.said(), server.wait()) == ("", 2)
    assert says in server.output()
    assert not (tmp_path / "home").exists()


def test_a_server_that_listens_nowhere_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "antiphon_server", "--home", str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "nowhere to listen" in done.stderr


def refused(server: ServerProcess) -> str:
    """What it says of itself as it gives up; it has said the same to whoever reads its output."""
    word = server.said()
    assert word.startswith("error "), word
    assert server.wait() == 1
    message = word.removeprefix("error ")
    assert message in server.output()
    assert "Traceback" not in server.output()
    return message


def test_a_home_that_is_a_file_is_refused(start: Start, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a letter")
    assert "home" in refused(start(home=tmp_path / "home", socket=tmp_path / "s"))
    assert (tmp_path / "home").read_text() == "a letter"


def test_addresses_that_cannot_be_had_are_refused(start: Start, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}: is the port taken" in refused(
            start("--listen", f"127.0.0.1:{port}")
        )
    for path in (tmp_path / "missing" / "s", tmp_path / ("x" * 120)):
        assert "its folder must be there" in refused(start(socket=path))


def test_only_a_socket_is_put_aside_to_listen(start: Start, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a letter")
    assert "something is there that is no socket" in refused(start())
    assert (tmp_path / "s").read_text() == "a letter"
    (tmp_path / "s").unlink()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "s"))
    stale.close()
    assert start().serving().end() == 0


def test_a_database_of_a_newer_release_is_refused(start: Start, tmp_path: Path) -> None:
    start().serving().end()
    change(tmp_path / "antiphon.db", "UPDATE alembic_version SET version_num = '9999'")
    message = refused(start())
    assert "schema 9999" in message
    assert "made by a newer one" in message


@only_sqlite
def test_a_database_that_is_none_is_refused(start: Start, tmp_path: Path) -> None:
    (tmp_path / "antiphon.db").write_text("a letter, and a long one\n" * 1000)
    assert "SQLITE_NOTADB" in refused(start())


def test_a_home_that_may_not_be_written_is_refused(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(0o555)
    assert "Permission denied" in refused(start(home=home, mortal=True))
    assert "Permission denied" in refused(start(home=home / "new", socket=tmp_path / "s", mortal=True))


@only_sqlite
def test_a_database_that_may_not_be_written_is_refused(start: Start, tmp_path: Path) -> None:
    start(mortal=True).serving().end()
    (tmp_path / "antiphon.db").chmod(0o444)
    message = refused(start(mortal=True))
    assert "the database cannot be used (SQLITE_READONLY" in message
    assert "Check that its folder is there, writable" in message


def test_it_leaves_when_nobody_needs_it(start: Start) -> None:
    server = start("--idle-timeout", "0.2").serving()
    assert server.wait() == 0
    assert "nobody needed this server for 0.2 s" in server.output()


def test_it_stays_while_somebody_is_attached(start: Start) -> None:
    # Long enough to attach in, also where the machine is busy.
    server = start("--idle-timeout", "2").serving()
    with server.channel() as channel:
        session = HandSession(channel)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(4)
        run = session.create_flow_run()
        assert session.propose(run, "RUNNING").state.name == "Running"
        session.say(session_pb2.ClientFrame(goodbye=session_pb2.Goodbye()))
        with pytest.raises(grpc.RpcError):
            session.next("welcome")
    assert server.wait() == 0


def test_it_stays_until_the_runs_of_who_was_killed_are_crashed(start: Start, tmp_path: Path) -> None:
    server = start("--idle-timeout", "3", "--session-ttl", "2").serving()
    with server.channel() as channel:
        session = HandSession(channel)
        run = session.create_flow_run()
        assert session.propose(run, "RUNNING").state.name == "Running"
        session.cut()
    assert server.wait() == 0
    assert "nobody needed this server" in server.output()
    assert committed(tmp_path / "antiphon.db", "SELECT state_name FROM flow_runs") == [("Crashed",)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_peace(start: Start, number: signal.Signals) -> None:
    server = start().serving()
    assert server.end(number) == 0
    assert server.output().rstrip().endswith("stopped")


def test_it_ends_when_a_person_asks(start: Start) -> None:
    server = start().serving()
    with server.channel() as channel:
        stub = admin_service_pb2_grpc.AdminServiceStub(channel)
        stub.StopServer(admin_service_pb2.StopServerRequest(reason="tests are over"))
    assert server.wait() == 0
    assert "asked to stop: tests are over" in server.output()


@pytest.mark.parametrize(
    ("busy", "sessions", "calls", "leaves"),
    [(False, False, 0, True), (True, False, 0, False), (False, True, 0, False), (False, False, 1, False)],
)
def test_it_leaves_only_where_nothing_is_left_to_do(busy: bool, sessions: bool, calls: int, leaves: bool) -> None:
    async def has_active_sessions() -> bool:
        return sessions

    server = SimpleNamespace(
        operations_runner=SimpleNamespace(busy=busy),
        has_active_sessions=has_active_sessions,
        activity=SimpleNamespace(calls=calls),
    )
    assert asyncio.run(_may_leave(server)) is leaves  # type: ignore[arg-type]
