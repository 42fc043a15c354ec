"""Fixtures for tests of the SDK against a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from kinds import Kind
from running_server import RunningServer
from stored import Stored


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server for all tests of this process: whoever looks into it looks for runs of its own."""
    with RunningServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def stored(shared_server: RunningServer, tmp_path: Path) -> Iterator[Stored]:
    """Has the SDK talk to the shared server, with a home of the test's own; gives what reads the server back."""
    settings = with_changes(get_current_settings(), {"api.url": shared_server.target, "home": tmp_path})
    with settings_of_process(settings):
        with ServiceClient(shared_server.target) as client:
            yield Stored(client)
        registry.close_all()


@pytest.fixture(params=[Kind(False), Kind(True)], ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Sync, then async."""
    chosen: Kind = request.param
    return chosen
