"""A server whose clock is put forward over a socket."""

import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from antiphon.v1 import state_pb2
from antiphon.v1.transition_pb2 import VerdictKind
from hand_session import HandSession
from server_process import ServerProcess
from world import World

ACCEPT, WAIT = VerdictKind.VERDICT_KIND_ACCEPT, VerdictKind.VERDICT_KIND_WAIT
HOUR = 3600.0
#: Seconds that pass while a test runs, at most.
SLACK = 100.0


class Controlled:
    """A server process and the socket that moves its clock."""

    def __init__(self, home: Path) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(30)
        with theirs:
            descriptor = str(theirs.fileno())
            arguments = ("--no-fsync", "--clock-fd", descriptor, "--session-ttl", "30")
            self.process = ServerProcess(home, *arguments, inherit=(theirs.fileno(),)).serving()
        self._answers = self.ours.makefile("r")

    def say(self, command: str) -> str:
        self.ours.sendall(f"{command}\n".encode())
        return self.heard()

    def heard(self) -> str:
        return self._answers.readline().rstrip("\n")

    def time(self, command: str) -> float:
        """The time after a command, in seconds."""
        word, micros = self.say(command).split()
        assert word == "ok"
        return int(micros) / 1e6


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Controlled]:
    controlled = Controlled(tmp_path)
    yield controlled
    controlled.ours.close()
    controlled.process.close()


@pytest.fixture
def session(server: Controlled) -> Iterator[HandSession]:
    with server.process.channel() as channel:
        session = HandSession(channel)
        yield session
        session.cut()


def scheduled(session: HandSession, server: Controlled, after: float) -> int:
    """A run that is scheduled, and waits to start; gives the frame that waits."""
    run = session.create_flow_run()
    details = state_pb2.StateDetails()
    details.scheduled_time.FromSeconds(int(server.time("now") + after))
    session.propose(run, "SCHEDULED", state={"details": details})
    frame = session.durable(proposal=session.proposal(run, "RUNNING"))
    session.say(frame)
    assert session.answer(frame.sequence).kind == WAIT
    return frame.sequence


def test_the_clock_is_put_forward(server: Controlled) -> None:
    before = server.time("now")
    assert before + HOUR <= server.time("advance 3600") <= before + HOUR + SLACK


def test_waits_end_when_their_time_has_come(server: Controlled, session: HandSession) -> None:
    soon, late = scheduled(session, server, HOUR), scheduled(session, server, 3 * HOUR)
    server.time("advance 3601")
    assert session.answer(soon).kind == ACCEPT
    server.time(f"advance {2 * HOUR}")
    assert session.answer(late).kind == ACCEPT


def test_the_clock_goes_to_the_next_wait(server: Controlled, session: HandSession) -> None:
    before = server.time("now")
    late, soon = scheduled(session, server, 3 * HOUR), scheduled(session, server, HOUR)
    assert before + HOUR - 1 <= server.time("next 0") <= before + HOUR + SLACK
    assert session.answer(soon).kind == ACCEPT
    server.time("next 30")
    assert session.answer(late).kind == ACCEPT


def test_who_asks_for_the_next_wait_may_ask_before_it_begins(server: Controlled, session: HandSession) -> None:
    run = session.create_flow_run()
    details = state_pb2.StateDetails()
    details.scheduled_time.FromSeconds(int(server.time("now") + HOUR))
    session.propose(run, "SCHEDULED", state={"details": details})
    server.ours.sendall(b"next 30\n")
    frame = session.durable(proposal=session.proposal(run, "RUNNING"))
    session.say(frame)
    assert session.answer(frame.sequence).kind in (WAIT, ACCEPT)
    assert server.heard().startswith("ok ")


def test_the_clock_jumps_over_each_wait_until_it_is_told_not_to(server: Controlled, session: HandSession) -> None:
    waiting = scheduled(session, server, HOUR)
    server.time("jump on")
    assert session.answer(waiting).kind == ACCEPT
    assert session.answer(scheduled(session, server, HOUR)).kind == ACCEPT
    server.time("jump off")
    still = scheduled(session, server, HOUR)
    assert server.time("now") < server.time("next 0")
    assert session.answer(still).kind == ACCEPT


def test_sessions_live_on_however_far_and_often_the_clock_goes(server: Controlled, session: HandSession) -> None:
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    for seconds in (8, 8, 8, 8, 100_000, 29):
        server.time(f"advance {seconds}")
    assert session.propose(run, "COMPLETED").kind == ACCEPT


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("advance", "error could not convert string to float: ''"),
        ("advance soon", "error could not convert string to float: 'soon'"),
        ("advance -1", "error from 0 to 3.1536e+08 seconds are possible, not -1"),
        ("advance inf", "error from 0 to 3.1536e+08 seconds are possible, not inf"),
        ("advance nan", "error from 0 to 3.1536e+08 seconds are possible, not nan"),
        ("next 0", "error no run has begun to wait for a time within 0 s"),
        ("jump", "error there is no command jump"),
        ("jump up", "error there is no command jump up"),
        ("", "error there is no command"),
        ("a b c", "error "),
        ("\xff", "error there is no command \ufffd\ufffd"),
    ],
)
def test_wrong_commands_are_told_and_the_next_is_obeyed(server: Controlled, command: str, answer: str) -> None:
    assert server.say(command).startswith(answer.replace("\ufffd\ufffd", "\xff"))
    assert server.say("now").startswith("ok ")


def test_schedules_miss_nothing_of_what_the_clock_passes(server: Controlled) -> None:
    """Their policy is for times at which no server ran."""
    schedules = [{"cron": {"expression": "* * * * *"}, "catchUp": "CATCH_UP_SKIP"}]
    with server.process.channel() as channel:
        world = World(SimpleNamespace(channel=channel))
        world.call("CreateDeployment", {"deployment": {"name": "d", "flowName": "flow", "schedules": schedules}})
        for hours in range(1, 4):
            server.time(f"advance {HOUR}")
            runs = world.call("ListFlowRuns", {"pageSize": 1000}).flow_runs
            assert {run.state.name for run in runs} <= {"Scheduled", "Late"}
            now = server.time("now")
            due = sorted(time for run in runs if (time := run.expected_start_time.ToSeconds()) < now)
            assert len(due) in (60 * hours - 1, 60 * hours, 60 * hours + 1)
            assert all(b - a == 60 for a, b in pairwise(due))


def test_the_server_leaves_when_the_socket_closes(server: Controlled) -> None:
    server.ours.shutdown(socket.SHUT_RDWR)
    assert server.process.wait() == 0
