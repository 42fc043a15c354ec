"""A server that a test has to itself, and that leaves nothing behind."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from antiphon.embedded_server import read_pid, socket_path, start, starting, wait_for_leaving
from antiphon.exceptions import ServerUnreachable
from antiphon.server_address import server_of
from antiphon.session.registry import close_server
from antiphon.settings import Settings, get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from antiphon.shared_client import close_client
from antiphon.testing.fake_clock import FakeClock

#: Seconds that the server may take to leave before it is killed.
_LEAVING_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Harness:
    """What a test may want to know of its server."""

    api_url: str
    #: Everything that is written is below this folder, which is removed at the end.
    home: Path
    clock: FakeClock


@contextmanager
def antiphon_test_harness(server_startup_timeout: float | None = 30, *, skip_waits: bool = False) -> Iterator[Harness]:
    """Inside the `with` block, flows and tasks run against a server of their own, with data of its own.

    For the whole process, its threads, and the processes that it starts. With `skip_waits` retry delays, scheduled
    times and the like are over as soon as they begin; `harness.clock` can do more. At the end the server and all that
    was written are gone. Use it around a test, a module's tests or a whole test run. Harnesses can be nested, but not
    used by two threads at the same time. Raises ServerUnreachable where the server is not ready within
    `server_startup_timeout` seconds (those of the setting `server.ephemeral.startup_timeout_seconds` for None).
    """
    timeout = server_startup_timeout or get_current_settings().server.ephemeral.startup_timeout_seconds
    home = Path(tempfile.mkdtemp(prefix="antiphon-test-"))
    try:
        with _server(home, timeout) as clock:
            if skip_waits:
                clock.skip_waits()
            api_url = f"unix:{socket_path(home)}"
            settings = _settings(api_url, home)
            with _environment({"ANTIPHON_API_URL": api_url, "ANTIPHON_HOME": str(home)}), settings_of_process(settings):
                try:
                    yield Harness(api_url, home, clock)
                finally:
                    close_server(server_of(settings))
                    close_client(server_of(settings))
    finally:
        shutil.rmtree(home)


@contextmanager
def _server(home: Path, timeout: float) -> Iterator[FakeClock]:
    """Start the server of `home`; at the end it has left. It also leaves when this process dies."""
    ours, theirs = socket.socketpair()
    clock = FakeClock(ours)
    try:
        with theirs, starting(home, timeout) as lock:
            descriptor = theirs.fileno()
            start(home, lock, ["--no-fsync", "--clock-fd", str(descriptor)], timeout, inherit=(descriptor,))
        yield clock
    finally:
        clock.close()
        _see_off(home)


def _see_off(home: Path) -> None:
    try:
        wait_for_leaving(home, _LEAVING_TIMEOUT)
    except ServerUnreachable:
        pid = read_pid(home)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            wait_for_leaving(home, _LEAVING_TIMEOUT)


def _settings(api_url: str, home: Path) -> Settings:
    """Those in force, but for all that would leave a trace."""
    return with_changes(
        get_current_settings(),
        {
            "api.url": api_url,
            "home": home,
            "profiles_path": home / "profiles.toml",
            "results.local_storage_path": home / "storage",
        },
    )


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """For processes that the tests start."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
