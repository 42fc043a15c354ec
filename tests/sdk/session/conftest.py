"""Fixtures for tests of sessions."""

import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.session.session import Session
from session_server import SessionServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SessionServer]:
    """The model server on a Unix socket."""
    with SessionServer(tmp_path) as running:
        yield running


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """Opens sessions, by `Session`'s own parameters, and closes them after the test."""
    opened: list[Session] = []

    def open_one(connect: str | Callable[[], str], **options: Any) -> Session:
        session = Session((lambda: connect) if isinstance(connect, str) else connect, **options)
        opened.append(session)
        return session

    yield open_one
    for session in opened:
        session.close(0.0)
    for session in opened:
        assert session._link.join(10), traceback.format_stack(
            sys._current_frames().get(session._link._thread.ident or 0)
        )


@pytest.fixture
def session(server: SessionServer, open_session: Callable[..., Session]) -> Session:
    """A session with the model server."""
    return open_session(server.target, client="tests")
