"""Fixtures for tests of the SDK against a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kinds import Kind
from running_server import RunningServer
from stored import Stored, talking_to


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server for all tests of this process: whoever looks into it looks for runs of its own."""
    with RunningServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def stored(shared_server: RunningServer, tmp_path: Path) -> Iterator[Stored]:
    """Has the SDK talk to the shared server, with a home of the test's own; gives what reads the server back."""
    with talking_to(shared_server.target, tmp_path) as reading:
        yield reading


@pytest.fixture(params=[Kind(False), Kind(True)], ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Sync, then async."""
    chosen: Kind = request.param
    return chosen
