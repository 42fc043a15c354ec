"""Starts a server process and waits for its word that it is ready. Knows nothing of who asks for it, or why."""

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from antiphon.exceptions import ServerUnreachable

#: `-P`: a module in the current folder must not be taken for one of the server's.
SERVER_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "antiphon_server")
_LOG_LIMIT_BYTES = 5 * 1024 * 1024
_TAIL_LINES = 15
_TAIL_BYTES = 16 * 1024
_EXIT_WAIT_SECONDS = 2.0


def log_path(home: Path) -> Path:
    """Where a server started here writes what it has to say."""
    return home / "server.log"


def launch(
    arguments: Sequence[str],
    *,
    home: Path,
    lock: int,
    timeout: float,
    command: Sequence[str],
    inherit: Sequence[int] = (),
) -> str:
    """Start `command` with `arguments`, detached, and return what follows `ready` on the line that it answers with.

    `lock` is a locked descriptor that the process inherits and keeps until it is ready; those of `inherit` it keeps for
    good. Raises ServerUnreachable with
    the cause and the end of the log where it dies, says that it cannot start, or takes longer than `timeout` seconds
    (then it is killed); OSError where the log cannot be written.
    """
    if not command[0]:
        raise ServerUnreachable(
            "Cannot start a server: this Python does not know its own executable. Start one with"
            " `antiphon server start` and set ANTIPHON_API_URL."
        )
    log = _open_log(home)
    log_start = os.fstat(log).st_size
    ready, ready_writer = os.pipe()
    try:
        process = _spawn(
            [*command, *arguments, "--ready-fd", str(ready_writer), "--lock-fd", str(lock)],
            home,
            log,
            (ready_writer, lock, *inherit),
        )
    finally:
        os.close(ready_writer)
        os.close(log)
    try:
        answer, cause = _await_answer(ready, process, timeout)
    except BaseException:
        process.kill()
        raise
    finally:
        os.close(ready)
        # A child that ends while this process lives must not stay a zombie, nor be warned about.
        threading.Thread(target=process.wait, name="antiphon-server-reaper", daemon=True).start()
    if cause:
        raise ServerUnreachable(_explain(cause, home, log_start), code="UNAVAILABLE")
    return answer


def _spawn(command: list[str], home: Path, log: int, inherited: tuple[int, ...]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=inherited,
            cwd=home,
            start_new_session=True,
        )
    except OSError as error:
        raise ServerUnreachable(
            f"Cannot start a server: {command[0]}: {error.strerror}. Start one with `antiphon server start` and set"
            " ANTIPHON_API_URL.",
            code="UNAVAILABLE",
        ) from error


def _await_answer(ready: int, process: "subprocess.Popen[bytes]", timeout: float) -> tuple[str, str]:
    """Return (what follows `ready`, "") or ("", why it did not start)."""
    lines = _Lines(ready)
    line = lines.next(timeout)
    while line is not None and line.startswith("busy "):
        # It upgrades its database, say. To end it would undo what it has done so far, and so would the next starter.
        line = lines.next(None)
    if line is None:
        process.kill()
        return "", (
            f"it was not ready within {timeout:g} s and was stopped. On a slow machine, raise"
            " ANTIPHON_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"
        )
    word, _, rest = line.partition(" ")
    if word == "ready":
        return rest, ""
    if word == "error":
        return "", rest
    try:
        code = process.wait(_EXIT_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return "", "it closed its end of the pipe without a word"
    return "", f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"


class _Lines:
    """What a server says on its pipe, line by line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._received = b""
        self._poller = select.poll()
        self._poller.register(descriptor, select.POLLIN)

    def next(self, timeout: float | None) -> str | None:
        """The next line, or what there is of it where the pipe ends; None when `timeout` seconds are over first.

        Without a `timeout`, waits for as long as there is somebody at the other end.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._received:
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or not self._poller.poll(None if left is None else left * 1000):
                return None
            chunk = os.read(self._descriptor, 4096)
            if not chunk:
                break
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace").strip()


def _open_log(home: Path) -> int:
    """Open the log to append; one that has grown large becomes `server.log.1` first."""
    path = log_path(home)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    if os.fstat(descriptor).st_size <= _LOG_LIMIT_BYTES:
        return descriptor
    os.close(descriptor)
    os.replace(path, path.with_name(path.name + ".1"))
    return os.open(path, flags, 0o600)


def _explain(cause: str, home: Path, log_start: int) -> str:
    tail = _tail(log_path(home), log_start)
    said = "".join(f"\n    {line}" for line in tail)
    where = f"\nThe end of {log_path(home)}:{said}" if tail else f"\nIts log, {log_path(home)}, has nothing on it."
    return (
        f"The server did not start: {cause.rstrip('.')}.{where}\nMend the cause and run again, or set ANTIPHON_API_URL"
        " to a server that runs."
    )


def _tail(path: Path, start: int) -> list[str]:
    """The last lines that were written to the log after offset `start`."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(start, size - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    except OSError:
        return []  # the cause is told without it
