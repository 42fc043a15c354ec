"""Starts a server for this home in the foreground or the background, and waits for one to be gone."""

import ipaddress
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from antiphon import file_lock
from antiphon.embedded_server import accepts, read_pid, server_lock_path, socket_path, start, starting, wait_for_leaving
from antiphon.exceptions import AntiphonException, ServerUnreachable
from antiphon.grpc_target import is_several
from antiphon.server_address import known_target
from antiphon.server_process import SERVER_COMMAND, log_path
from antiphon.service_client import ServiceClient
from antiphon.settings import Settings
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest

#: What the system takes, with one byte for the end.
_LONGEST_SOCKET_PATH = 103
#: Between two looks for a server.
_LOOK_SECONDS = 0.5


class ServerRuns(AntiphonException):
    """A server should be started where one runs."""


class ServerUnclear(AntiphonException):
    """One of several servers is meant, and nothing says which."""


class ServerStays(AntiphonException):
    """A server was asked to stop and has not."""


#: The server takes the address of its database from there.
DATABASE_URL = "ANTIPHON_SERVER_DATABASE_URL"
LEASE_STORAGE = "ANTIPHON_SERVER_CONCURRENCY_LEASE_STORAGE"


@dataclass(frozen=True, slots=True)
class ServerStart:
    """How a server is to be started: for which home, on which addresses."""

    home: Path
    host: str
    port: int
    #: Empty takes the one where clients of the home look.
    socket: str
    #: Seconds.
    timeout: float
    #: As the server's `--log-level` has them.
    log_level: str = "INFO"
    #: Days for which runs that have ended, and lines of logs, are kept; None keeps them for ever.
    keep_runs: float | None = None
    keep_logs: float | None = None
    #: Whether a database of an older release is copied before it is upgraded.
    upgrade_backup: bool = True
    #: PostgreSQL's URL; empty for the home's own database.
    database: str = ""
    #: Where metrics are served; empty serves none.
    metrics: str = ""
    #: As the server's `--log-format` has them.
    log_format: str = "text"
    #: Redis's URL; empty leaves leases to the database.
    lease_storage: str = ""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def socket_path(self) -> str:
        """Where it listens for this machine. Raises AntiphonException for a path that is too long."""
        if not self.socket:
            return socket_path(self.home)
        path = os.path.abspath(os.path.expanduser(self.socket))
        if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
            raise AntiphonException(f"The socket path {path} is too long; {_LONGEST_SOCKET_PATH} bytes are allowed.")
        return path

    @property
    def listen(self) -> str:
        """The TCP address; IPv6 addresses in brackets."""
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return f"{host}:{self.port}"

    def run_in_foreground(self) -> NoReturn:
        """Become the server. Raises ServerRuns or ServerUnreachable."""
        path = self._prepare()
        with starting(self.home, self.timeout) as lock:
            self._check_free(path)
            wait_for_leaving(self.home, self.timeout)
            # The server goes on with the lock and lets it go when it serves.
            os.set_inheritable(lock, True)
            arguments = ["--home", str(self.home), *self._options, "--socket", path, "--lock-fd", str(lock)]
            os.execv(SERVER_COMMAND[0], [*SERVER_COMMAND, *arguments])

    def run_in_background(self) -> str:
        """Start the server as a process of its own and return its addresses once it serves. Raises the same."""
        path = self._prepare()
        with starting(self.home, self.timeout) as lock:
            self._check_free(path)
            return start(self.home, lock, self._options, self.timeout, path=path, command=SERVER_COMMAND)

    def _prepare(self) -> str:
        """Gives the path of the socket."""
        # Not among the arguments, which everybody on this machine may read.
        for name, url in ((DATABASE_URL, self.database), (LEASE_STORAGE, self.lease_storage)):
            if url:
                os.environ[name] = url
        return self.socket_path

    @property
    def _options(self) -> list[str]:
        kept = (("--keep-runs", self.keep_runs), ("--keep-logs", self.keep_logs))
        retention = [word for name, days in kept if days is not None for word in (name, f"{days:g}")]
        unsafe = [] if self.upgrade_backup else ["--no-upgrade-backup"]
        metrics = ["--metrics", self.metrics] if self.metrics else []
        log_format = ["--log-format", self.log_format] if self.log_format != "text" else []
        said = [*log_format, *retention, *metrics, *unsafe]
        return ["--listen", self.listen, "--log-level", self.log_level, *said]

    def _check_free(self, path: str) -> None:
        for candidate in dict.fromkeys([socket_path(self.home), path]):
            if accepts(candidate):
                process_id = read_pid(self.home)
                raise ServerRuns(
                    f"A server runs already at unix:{candidate} (process id {process_id}). Stop it first with"
                    " `antiphon server stop`, or use it as it is."
                )


def client_of_running_server(settings: Settings) -> ServiceClient:
    """A client of the server that this profile would use; starts none. Raises ServerUnreachable."""
    target = known_target(settings)
    path = target.removeprefix("unix:")
    if path != target and not accepts(path):
        raise ServerUnreachable(
            f"No server runs at {target}. One starts by itself when a flow runs; `antiphon server start` starts one"
            " that stays.",
            code="UNAVAILABLE",
        )
    return ServiceClient(target)


def client_of_server_to_stop(settings: Settings) -> ServiceClient:
    """The same for what concerns one server alone. Raises ServerUnclear where the settings name several."""
    if is_several(known_target(settings)):
        raise ServerUnclear(
            f"ANTIPHON_API_URL names several servers ({settings.api.url}). Say which one to stop:"
            " `ANTIPHON_API_URL=HOST:PORT antiphon server stop`."
        )
    return client_of_running_server(settings)


def wait_until_there(settings: Settings, timeout: float) -> None:
    """Return once the server that this profile would use answers; starts none. Raises ServerUnreachable.

    `timeout` in seconds. A server says to nobody that it is there, so it is called again and again.
    """
    deadline = time.monotonic() + timeout
    while True:
        target = known_target(settings)
        try:
            with ServiceClient(target) as client:
                client.call(client.admin.GetServerInfo, GetServerInfoRequest(), timeout=_LOOK_SECONDS)
                return
        except ServerUnreachable:
            if time.monotonic() >= deadline:
                raise ServerUnreachable(
                    f"No server has answered at {target} for {timeout:g} s. `antiphon server start` starts one.",
                    code="UNAVAILABLE",
                ) from None
        time.sleep(min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic())))


def wait_until_gone(home: Path, process_id: int, timeout: float) -> None:
    """Return once the server process of `home` has ended: its lock goes with it. Raises ServerStays."""
    try:
        file_lock.release(file_lock.acquire(server_lock_path(home), timeout))
    except file_lock.LockTimeout:
        raise ServerStays(
            f"The server (process id {process_id}) has not stopped within {timeout:g} s. Look at {log_path(home)};"
            f" if it hangs, end it with `kill -9 {process_id}`: what was acknowledged is safe."
        ) from None
