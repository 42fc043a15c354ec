"""One session for each server that the settings name, closed when the process ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.exceptions import SessionLost
from antiphon.session import registry
from antiphon.settings import temporary_settings
from session_bodies import proposal
from session_model import make_status
from session_server import SessionServer

PATIENCE = 20.0
TESTS = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))


@pytest.fixture
def configured(server: SessionServer) -> Iterator[SessionServer]:
    """The settings name the model server."""
    with temporary_settings({"api_url": server.target}):
        yield server
        registry.close_all()


def test_one_for_a_server_and_another_for_another(configured: SessionServer, tmp_path: Path) -> None:
    session, uploader = registry.get_session(), registry.get_uploader()
    assert session is registry.get_session() and uploader is registry.get_uploader()
    assert session.submit(proposal())[0].result(PATIENCE) is not None
    (tmp_path / "other").mkdir()
    with SessionServer(tmp_path / "other") as other, temporary_settings({"api_url": other.target}):
        assert registry.get_session() is not session and registry.get_uploader() is not uploader
    assert registry.get_session() is session
    assert "process " in configured.model.clients[0] and "python" in configured.model.clients[0]


def test_a_lost_session_is_replaced(configured: SessionServer) -> None:
    session = registry.get_session()
    session.submit(proposal())[0].result(PATIENCE)
    [ticket] = session.submit(proposal("wait"))
    configured.end_streams(make_status("FAILED_PRECONDITION", "SESSION_EXPIRED"))
    with pytest.raises(SessionLost):
        ticket.result(PATIENCE)
    again = registry.get_session()
    assert again is not session
    assert again.submit(proposal())[0].result(PATIENCE) is not None


_PROGRAM = """
import atexit, logging, time
def report():  # registered first, so it runs after the registry has closed
    print(time.perf_counter() - begin)
atexit.register(report)
from antiphon.session import registry
from antiphon.v1.log_pb2 import Log
from session_bodies import proposal
session = registry.get_session()
tickets = session.submit(*(proposal() for _ in range(COUNT)))
for number in range(COUNT):
    log = Log(level=20, message=str(number))
    log.create_time.GetCurrentTime()
    registry.get_uploader().put(log)
if ANSWERED:
    assert session.flush(20) and registry.get_uploader().flush(20)
begin = time.perf_counter()
"""


def run_program(server: SessionServer, **values: object) -> float:
    """Runs it to its end; gives the seconds that the end took."""
    program = _PROGRAM
    for name, value in values.items():
        program = program.replace(name, repr(value))
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"ANTIPHON_API_URL": server.target, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0 and not run.stderr, run.stderr
    return float(run.stdout)


def test_the_end_of_the_process_flushes_and_says_goodbye(server: SessionServer) -> None:
    run_program(server, COUNT=500, ANSWERED=False)
    assert len(server.model.transitions) == 500 and len(server.logs) == 500
    assert [each.over for each in server.model.sessions.values()] == [True]


def test_with_nothing_open_the_end_is_quick(server: SessionServer) -> None:
    took = min(run_program(server, COUNT=1, ANSWERED=True) for _ in range(3))
    assert took < 0.1, "about 3 ms on an idle machine"
