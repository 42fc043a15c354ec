"""A running server, and a client that says frames by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hand_session import HandSession
from running_server import RunningServer
from world import World


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


@pytest.fixture
def attach(server: RunningServer) -> Iterator[Any]:
    """Opens control streams, and cuts them at the end."""
    opened: list[HandSession] = []

    def open_one(resume_token: str = "") -> HandSession:
        session = HandSession(server.channel, resume_token)
        opened.append(session)
        return session

    yield open_one
    for session in opened:
        session.cut()


@pytest.fixture
def world(server: RunningServer) -> World:
    """The same server, with one of everything."""
    world = World(server)
    world.fill()
    return world
