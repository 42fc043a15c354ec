import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon import embedded_server, server_process
from antiphon.embedded_server import accepts, ensure_running, read_pid, socket_path, start, starting
from antiphon.exceptions import ServerUnreachable
from python_programs import programs

FAKE_SERVER = str(Path(__file__).with_name("fake_server.py"))
STARTER = """
import sys
from pathlib import Path
from antiphon.embedded_server import ensure_running
print(ensure_running(Path(sys.argv[1]), command=sys.argv[2:]))
"""


def fake(mode: str) -> list[str]:
    return [sys.executable, FAKE_SERVER, mode]


def starts(home: Path) -> list[int]:
    """Process ids of the fake servers that were started."""
    try:
        return [int(line) for line in (home / "starts").read_text().split()]
    except FileNotFoundError:
        return []


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that does not exist yet; servers started in it are killed at the end."""
    folder = tmp_path / "home"
    yield folder
    for process_id in starts(folder):
        try:
            os.kill(process_id, signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture
def starter(home: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Makes processes that call `ensure_running` with a fake server of some mode and print the target."""
    with programs() as start_program:
        yield lambda mode: start_program("-c", STARTER, str(home), *fake(mode))


def test_starts_a_server_and_finds_it_again(home: Path) -> None:
    target = ensure_running(home, command=fake("serve"))
    assert target == f"unix:{home}/server.sock"
    assert accepts(socket_path(home))
    assert ensure_running(home, command=fake("serve")) == target
    assert len(starts(home)) == 1
    assert read_pid(home) == starts(home)[0]
    assert home.stat().st_mode & 0o777 == 0o700


def test_ten_starters_at_once_start_one_server(home: Path, starter: Callable[[str], "subprocess.Popen[str]"]) -> None:
    processes = [starter("serve") for _ in range(10)]
    answers = [process.communicate() for process in processes]
    assert [output for output, _ in answers] == [f"unix:{home}/server.sock\n"] * 10, answers
    assert len(starts(home)) == 1


def test_server_survives_a_starter_that_is_killed_meanwhile(
    home: Path, starter: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    home.mkdir()
    os.mkfifo(home / "gate")
    first = starter("gate")
    gate = os.open(home / "gate", os.O_WRONLY)  # returns once the server has come so far
    first.kill()
    first.wait()
    with open(home / "start.lock") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    second = starter("gate")
    os.close(gate)
    output, _ = second.communicate()
    assert output == f"unix:{home}/server.sock\n"
    assert len(starts(home)) == 1


def test_stale_socket_and_stale_locks_block_nobody(home: Path) -> None:
    ensure_running(home, command=fake("serve"))
    os.kill(starts(home)[0], signal.SIGKILL)
    # The lock goes when the process is gone.
    with open(home / "server.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert Path(socket_path(home)).exists()
    assert not accepts(socket_path(home))
    ensure_running(home, command=fake("serve"))
    assert accepts(socket_path(home))
    assert len(starts(home)) == 2


def test_a_server_that_is_leaving_is_waited_for(home: Path) -> None:
    ensure_running(home, command=fake("serve"))
    os.mkfifo(home / "gate")
    os.kill(starts(home)[0], signal.SIGUSR1)
    gate = os.open(home / "gate", os.O_WRONLY)  # returns once its socket is closed
    assert not accepts(socket_path(home))
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(ensure_running(home, command=fake("serve"))))
    waiting.start()
    os.close(gate)
    waiting.join()
    assert found == [f"unix:{home}/server.sock"]
    assert len(starts(home)) == 2


def test_error_of_the_server_is_told(home: Path) -> None:
    with pytest.raises(ServerUnreachable, match="the database is from a newer version") as caught:
        ensure_running(home, command=fake("refuse"))
    assert "set ANTIPHON_API_URL" in str(caught.value)
    assert caught.value.code == "UNAVAILABLE"


def test_death_of_the_server_is_told_with_its_last_words(home: Path) -> None:
    with pytest.raises(ServerUnreachable, match=r"exit code 7(.|\n)*server\.log:\n    a traceback, say"):
        ensure_running(home, command=fake("die"))


def test_words_of_an_earlier_server_are_not_told(home: Path) -> None:
    with pytest.raises(ServerUnreachable):
        ensure_running(home, command=fake("die"))
    with pytest.raises(ServerUnreachable, match="has nothing on it"):
        ensure_running(home, command=fake("refuse"))


def test_server_that_never_gets_ready_is_killed(home: Path) -> None:
    with pytest.raises(
        ServerUnreachable, match=r"not ready within 0\.5 s(.|\n)*ANTIPHON_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"
    ):
        ensure_running(home, startup_timeout=0.5, command=fake("hang"))
    # The way is free for the next one.
    ensure_running(home, command=fake("serve"))


def test_a_server_that_is_busy_is_waited_for(home: Path) -> None:
    home.mkdir()
    os.mkfifo(home / "gate")
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(ensure_running(home, command=fake("busy"))))
    waiting.start()
    os.close(os.open(home / "gate", os.O_WRONLY))  # returns once it has said so
    waiting.join()
    assert found == [f"unix:{home}/server.sock"]


def test_a_server_that_is_busy_has_more_time_than_others() -> None:
    ready, writer = os.pipe()
    os.write(writer, b"busy upgrading\nbusy sti")
    # Long after the time that one has which says nothing.
    saying = threading.Timer(0.5, os.write, (writer, b"ll\nready unix:/s\n"))
    saying.start()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert server_process._await_answer(ready, process, 0.05) == ("unix:/s", "")
    saying.join()
    os.close(ready)
    os.close(writer)


def test_a_server_that_dies_while_busy_is_told() -> None:
    ready, writer = os.pipe()
    os.write(writer, b"busy upgrading\n")
    os.close(writer)
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(9)"]) as process:
        assert server_process._await_answer(ready, process, 20) == ("", "it ended with exit code 9")
    os.close(ready)


def test_program_that_is_not_there_is_told(home: Path) -> None:
    with pytest.raises(ServerUnreachable, match=r"/no/such/python: No such file"):
        ensure_running(home, command=["/no/such/python"])
    with pytest.raises(ServerUnreachable, match="does not know its own executable"):
        ensure_running(home, command=["", "-m", "antiphon_server"])


@pytest.mark.parametrize("bad", ["/proc/antiphon", "file", "file/below"])
def test_home_that_cannot_be_written_is_told(tmp_path: Path, bad: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerUnreachable, match="Set ANTIPHON_HOME to a folder that you may write to"):
        ensure_running(tmp_path / bad, command=fake("serve"))


def test_starter_that_takes_too_long_is_told(home: Path) -> None:
    with starting(home, 1), pytest.raises(ServerUnreachable, match="Another process has been starting"):
        ensure_running(home, startup_timeout=0.05, command=fake("serve"))


def test_home_held_by_a_server_on_another_socket_is_told(home: Path) -> None:
    other = str(home / "other.sock")
    with starting(home, 1) as lock:
        start(home, lock, ["--listen", "127.0.0.1:1"], 20, path=other, command=fake("serve"))
    with pytest.raises(ServerUnreachable, match=rf"process id {starts(home)[0]} holds .* another --socket"):
        ensure_running(home, startup_timeout=0.05, command=fake("serve"))


def test_start_answers_with_the_addresses(home: Path) -> None:
    with starting(home, 1) as lock:
        targets = start(home, lock, ["--listen", "127.0.0.1:1"], 20, command=fake("serve"))
    assert targets == f"unix:{home}/server.sock 127.0.0.1:1"


def test_long_homes_have_a_short_socket_path(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    path = socket_path(long)
    assert len(path) <= 100
    assert path.startswith(f"/tmp/antiphon-{os.getuid()}/")
    assert path != socket_path(tmp_path / ("y" * 90))
    link = tmp_path / ("z" * 90)
    long.mkdir()
    link.symlink_to(long)
    assert socket_path(link) == path


def test_long_home_works(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 90)
    try:
        target = ensure_running(home, command=fake("serve"))
        assert target == f"unix:{socket_path(home)}"
        assert accepts(socket_path(home))
    finally:
        for process_id in starts(home):
            os.kill(process_id, signal.SIGKILL)
        Path(socket_path(home)).unlink(missing_ok=True)


def test_folder_that_others_may_write_is_not_trusted(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_server, "_SHORT_ROOT", str(tmp_path))
    monkeypatch.setattr(embedded_server, "_LONGEST_SOCKET_PATH", 10)
    shared = tmp_path / f"antiphon-{os.getuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(ServerUnreachable, match="not a folder that only you may write to"):
        ensure_running(home, command=fake("serve"))
    shared.rmdir()
    shared.symlink_to("/")
    with pytest.raises(ServerUnreachable, match="not a folder that only you may write to"):
        ensure_running(home, command=fake("serve"))
    assert not home.exists()


def test_socket_path_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match=r"Cannot connect to .*: AF_UNIX path too long"):
        accepts(str(tmp_path / ("x" * 120)))


def test_busy_listener_counts_as_one(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        assert [accepts(path) for _ in range(4)] == [True] * 4


def test_large_log_is_put_aside(home: Path) -> None:
    home.mkdir()
    (home / "server.log").write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    ensure_running(home, command=fake("serve"))
    assert (home / "server.log").stat().st_size == 0
    assert (home / "server.log.1").exists()
