"""Real forks of a process whose sessions and logs are in full swing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.session import forking
from session_server import SessionServer
from tcp_proxy import TcpProxy

PROGRAM = Path(__file__).with_name("forking.py")
TESTS = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))


@pytest.fixture(params=["one address", "two"])
def target(server: SessionServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where there are two, a thread of each link watches over its stream."""
    if request.param == "one address":
        yield server.target
        return
    with TcpProxy(server.target) as one, TcpProxy(server.target) as other:
        yield f"{one.address},{other.address}"


@pytest.mark.parametrize("ending", ["exit", "return"])
def test_a_child_opens_its_own_session_and_the_parents_goes_on(server: SessionServer, target: str, ending: str) -> None:
    run = subprocess.run(
        [sys.executable, str(PROGRAM), target, "8", ending],
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout.splitlines()[-1])
    assert facts["statuses"] == [0] * 8, run.stderr
    assert facts["answered"] == facts["submitted"] > 8
    assert facts["waiting"] and facts["logs"] and facts["flushed"]
    with server.changed:
        parents = server.model.sessions[facts["session"]]
        assert parents.epoch > 1, "the stream was put down for the forks, and taken up again"
        assert len(server.model.transitions) == len(set(server.model.transitions)) == facts["submitted"] + 8
        assert len(server.model.sessions) == 9
        assert sum(each.over for each in server.model.sessions.values()) == 8, "each child said goodbye to its own"
        messages = list(server.logs.values())
        assert messages.count("from the child") == 8
        assert messages.count("from the parent") == facts["submitted"]


class Member:
    """Notes what it is told."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def request_pause(self) -> None:
        self._notes.append("request")

    def await_pause(self) -> None:
        self._notes.append("await")

    def resume(self) -> None:
        self._notes.append("resume")

    def abandon(self) -> None:
        self._notes.append("abandon")


def test_all_are_asked_before_any_is_waited_for_and_the_dead_are_forgotten() -> None:
    notes: list[str] = []
    members = [Member(notes), Member(notes)]
    for member in members:
        forking.track(member)
    forking.track(Member(notes))
    pid = os.fork()
    if pid == 0:
        os._exit(0 if notes == ["request", "request", "await", "await", "abandon", "abandon"] else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert notes == ["request", "request", "await", "await", "resume", "resume"]
