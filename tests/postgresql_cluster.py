"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a socket there and on a free port of loopback."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from dies_with_parent import dying_with_parent
from tools_needed import miss_tool

PATIENCE = 60.0
MISSING = "PostgreSQL is missing: apt-get install postgresql"
#: Who runs it where the tests are the superuser's, as which PostgreSQL does not run.
_USER = "postgres"


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs, the newest one; None where it is not installed."""
    found = [Path(path).resolve().parent for path in (shutil.which("initdb"),) if path is not None]
    # Debian keeps them off the PATH.
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


class Cluster:
    """`start` and `kill` as often as wanted; `remove` at the end. `url(name)` is where a database of that name is."""

    def __init__(self, *, durable: bool) -> None:
        """`durable`: whether commits wait for the disk, as a user's do."""
        bin = binaries()
        if bin is None:
            miss_tool(MISSING)
        self._bin = bin
        self._durable = durable
        self._user = _USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="antiphon-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, _USER, _USER)
        self._data = self.folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", self._data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", _USER, "-N")

    def url(self, name: str) -> str:
        """Over TCP, as a user's is."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Returns once it takes connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": 300,
            **({} if self._durable else {"fsync": "off", "full_page_writes": "off"}),
        }
        told = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [*self._as_user(signal.SIGQUIT), self._bin / "postgres", "-D", self._data, *told],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            # Ctrl-C is for the tests, which end it.
            start_new_session=True,
        )
        log.close()
        end = time.monotonic() + PATIENCE
        while subprocess.call([self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]) != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """By a signal: SIGINT ends in order, SIGQUIT at once, SIGKILL is a crash."""
        if self.process is not None:
            children = _children(self.process.pid)
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None
            # Another postmaster does not start before those of this one are gone.
            end = time.monotonic() + PATIENCE
            while any(_runs(each) for each in children):
                if time.monotonic() > end:
                    raise RuntimeError("processes of PostgreSQL stay")
                time.sleep(0.01)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [*self._as_user(signal.SIGKILL), self._bin / program, *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )

    def _as_user(self, how: signal.Signals) -> list[str]:
        return dying_with_parent(how, self._user if os.geteuid() == 0 else None)


def _children(process: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:  # it has ended by itself
        return []


def _runs(process: int) -> bool:
    """What is dead and not waited for is gone too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
