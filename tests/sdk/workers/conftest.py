"""Fixtures for tests of workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm import Farm, farm_of
from running_server import RunningServer


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    """A server of the test's own, whose leases are short."""
    home = tmp_path / "server"
    home.mkdir()
    with RunningServer(home, session_ttl=3.0) as server, farm_of(server, tmp_path) as made:
        yield made
