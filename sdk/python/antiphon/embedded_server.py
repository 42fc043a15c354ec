"""The server that starts by itself: one for each home, shared by all processes that use that home.

Whoever finds nobody listening takes `<home>/start.lock`, looks again, starts a server and waits for its word. The
server inherits the lock and lets it go when it serves, so others wait for just that, even if the starter dies. Nobody
sleeps and looks again.
"""

import hashlib
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from antiphon import file_lock
from antiphon.exceptions import ServerUnreachable
from antiphon.server_process import SERVER_COMMAND, launch, log_path

#: The system's bound is 104 to 108 bytes.
_LONGEST_SOCKET_PATH = 100
#: Not $TMPDIR: it may differ between processes that must find the same server.
_SHORT_ROOT = "/tmp"
_OTHER_WAY = "set ANTIPHON_API_URL to a server that runs"


def socket_path(home: Path) -> str:
    """Where the embedded server of `home` listens."""
    path = os.path.join(home, "server.sock")
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(os.path.realpath(home))).hexdigest()[:24]
    return os.path.join(_short_folder(), f"{digest}.sock")


def _short_folder() -> str:
    return os.path.join(_SHORT_ROOT, f"antiphon-{os.getuid()}")


def accepts(path: str) -> bool:
    """Whether a server listens on the Unix socket. Raises ServerUnreachable where we may not even ask."""
    if os.path.dirname(path) == _short_folder() and os.path.lexists(_short_folder()):
        _check_private(_short_folder())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            return True  # somebody listens whose queue is full just now
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except OSError as error:
            raise ServerUnreachable(
                f"Cannot connect to {path}: {_cause(error)}. Mend its permissions, use another ANTIPHON_HOME, or"
                f" {_OTHER_WAY}.",
                code="UNAVAILABLE",
            ) from error
    return True


def ensure_running(
    home: Path,
    *,
    idle_timeout: float = 60.0,
    startup_timeout: float = 20.0,
    command: Sequence[str] = SERVER_COMMAND,
) -> str:
    """Return the gRPC target of the embedded server of `home`, started if nobody listens. Times are in seconds.

    Raises ServerUnreachable with the cause and the next step. `command` is for tests.
    """
    path = socket_path(home)
    target = f"unix:{path}"
    if accepts(path):
        return target
    with starting(home, startup_timeout) as lock:
        if not accepts(path):
            start(home, lock, ["--idle-timeout", f"{idle_timeout:g}"], startup_timeout, command=command)
    return target


@contextmanager
def starting(home: Path, timeout: float) -> Iterator[int]:
    """Hold `<home>/start.lock`, which everyone who starts a server takes, and give its descriptor.

    Makes the home where it is missing. Waits at most `timeout` seconds for another starter. Raises ServerUnreachable.
    """
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        lock = file_lock.acquire(home / "start.lock", timeout)
    except file_lock.LockTimeout:
        raise ServerUnreachable(
            f"Another process has been starting the server of {home} for {timeout:g} s. Look at {log_path(home)}, end"
            f" that process, or {_OTHER_WAY}.",
            code="UNAVAILABLE",
        ) from None
    except OSError as error:
        raise _unusable(home, error) from error
    try:
        yield lock
    finally:
        file_lock.release(lock)


def start(
    home: Path,
    lock: int,
    arguments: Sequence[str],
    timeout: float,
    *,
    path: str | None = None,
    command: Sequence[str] = SERVER_COMMAND,
    inherit: Sequence[int] = (),
) -> str:
    """Start a server of `home` on the Unix socket `path`, and return its targets once it serves. It inherits the
    descriptors `inherit`.

    Call it with the lock of `starting` held and nobody listening. A server that is leaving is waited for. Raises
    ServerUnreachable.
    """
    path = path or socket_path(home)
    try:
        wait_for_leaving(home, timeout)
        if os.path.dirname(path) == _short_folder():
            os.makedirs(_short_folder(), mode=0o700, exist_ok=True)
            _check_private(_short_folder())
        all_arguments = ["--home", str(home), "--socket", path, *arguments]
        return launch(all_arguments, home=home, lock=lock, timeout=timeout, command=command, inherit=inherit)
    except OSError as error:
        raise _unusable(home, error) from error


def server_lock_path(home: Path) -> Path:
    """The file that a server of `home` keeps locked for life; it says the server's process id."""
    return home / "server.lock"


def wait_for_leaving(home: Path, timeout: float) -> None:
    """Return once no server process holds `home`; at once if none does. Raises ServerUnreachable after `timeout` s."""
    path = server_lock_path(home)
    if not path.exists():
        return
    try:
        file_lock.release(file_lock.acquire(path, timeout))
    except file_lock.LockTimeout:
        raise ServerUnreachable(
            f"The server with process id {read_pid(home) or '(unknown)'} holds {home} but does not listen on"
            f" {socket_path(home)}. If it was started with another --socket, set ANTIPHON_API_URL to that; if it hangs,"
            " end it.",
            code="UNAVAILABLE",
        ) from None


def read_pid(home: Path) -> int | None:
    """The process id that the last server of `home` wrote; None where there is none to read."""
    try:
        return int(server_lock_path(home).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _check_private(folder: str) -> None:
    """The folder for short socket paths is where everybody may write, so one that others made must not be trusted."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise ServerUnreachable(
            f"{folder} is not a folder that only you may write to. Remove it, use a shorter ANTIPHON_HOME, or"
            f" {_OTHER_WAY}.",
            code="UNAVAILABLE",
        )


def _unusable(home: Path, error: OSError) -> ServerUnreachable:
    return ServerUnreachable(
        f"Cannot keep a server's files in {home}: {_cause(error)}. Set ANTIPHON_HOME to a folder that you may write"
        f" to, or {_OTHER_WAY}.",
        code="UNAVAILABLE",
    )


def _cause(error: OSError) -> str:
    return error.strerror or str(error)
