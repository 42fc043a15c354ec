"""Servers that go away while somebody waits for slots, and processes that go away with them."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow
from antiphon.concurrency import sync as sync_twin
from antiphon.concurrency.errors import ConcurrencySlotsLostError
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.shared_client import close_clients
from kinds import Kind
from named_slots import PATIENCE, SHORT, Limits, hold
from running_server import RunningServer
from server_process import ServerProcess
from until import until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    registry.close_all()
    close_clients()


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_a_server_that_goes_away_while_somebody_waits(kind: Kind, home: Path, kill: bool) -> None:
    """The lease outlives it; who waits is served by the next one."""
    first = ServerProcess(home).serving()
    settings = {"api_url": first.target, "client_reconnect_timeout_seconds": 3 * PATIENCE}
    with temporary_settings(settings), ServiceClient(first.target) as client:
        limits = Limits(client)
        limits.add("db")
        got = threading.Event()

        @flow
        def waiting() -> None:
            hold(kind, "db", inside=got.set)

        with sync_twin.concurrency("db"):
            thread = threading.Thread(target=copy_context().run, args=(waiting,))
            thread.start()
            until(lambda: limits.waiters("db") == 1)
            first.process.kill() if kill else first.process.terminate()
            first.wait()
            first.close()
            second = ServerProcess(home).serving()
            client.reconnect(3 * PATIENCE)
            until(lambda: limits.waiters("db") == 1)
            assert not got.is_set()
        assert got.wait(3 * PATIENCE)
        thread.join(PATIENCE)
        assert not thread.is_alive()
        registry.close_all()
        close_clients()
    second.end()
    second.close()


def test_a_killed_process_frees_its_slots(home: Path) -> None:
    """Long before its lease is over: with its session."""
    program = (
        "import sys; from antiphon.concurrency.sync import concurrency\n"
        "with concurrency('db', lease_duration=3600):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with RunningServer(home, session_ttl=1.0) as server, ServiceClient(server.target) as client:
        limits = Limits(client)
        limits.add("db")
        environment = {"ANTIPHON_API_URL": server.target, "ANTIPHON_HOME": str(home)}
        holder = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        assert len(limits.holders("db")) == 1
        holder.kill()
        holder.communicate()
        until(lambda: limits.holders("db") == [])


def test_no_server_until_the_lease_is_over(kind: Kind, home: Path) -> None:
    """Somebody else may have the slots then, for all that the holder can know."""
    server = ServerProcess(home).serving()
    with temporary_settings({"api_url": server.target}), ServiceClient(server.target) as client:
        Limits(client).add("db")

        def kill() -> Any:
            server.process.kill()
            server.wait()
            return asyncio.sleep(PATIENCE) if kind.is_async else until(lambda: False)

        with pytest.raises(ConcurrencySlotsLostError, match="could not be renewed in time: No server answers"):
            hold(kind, "db", inside=kill, lease_duration=SHORT, strict=True)
        registry.close_all()
        close_clients()
    server.close()
