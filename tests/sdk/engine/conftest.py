"""Fixtures for tests of the engine without a server."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.engine import run_flow, run_task
from antiphon.logging import set_log_sink
from antiphon.settings import temporary_settings
from engine_player import FakeSession
from interrupting import Place, on_another_thread, on_main_thread


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeSession]:
    """Stands where calls look for the process's session."""
    fake = FakeSession()
    monkeypatch.setattr(run_flow, "get_session", lambda: fake)
    monkeypatch.setattr(run_task, "get_session", lambda: fake)
    before = set_log_sink(None)  # it would start a server
    with temporary_settings({"home": tmp_path}):
        yield fake
    set_log_sink(before)


@pytest.fixture
def restless() -> Iterator[None]:
    """Has threads take turns a hundred times as often as they do, so that few steps go undisturbed."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 100)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture(params=[on_main_thread, on_another_thread])
def place(request: pytest.FixtureRequest) -> Place:
    """Where the code runs."""
    assert threading.current_thread() is threading.main_thread()
    chosen: Place = request.param
    return chosen
