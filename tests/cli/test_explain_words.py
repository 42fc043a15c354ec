"""Words of an explanation for what no test brings a real server to at will."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.cli.explain_answers import with_times
from antiphon.cli.explain_tasks import task_run_blocks
from antiphon.cli.explain_words import explanation_lines, session_words
from antiphon.cli.explaining import Explained, WaitingTaskRun, question_of_task_run, questions_of
from antiphon.cli.run_words import when_words
from antiphon.timestamps import write_timestamp
from antiphon.v1.admin_service_pb2 import Session
from antiphon.v1.flow_run_command_pb2 import FlowRunCommand, FlowRunCommandKind


def stamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    write_timestamp(made, moment)
    return made


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "(0s ago)"),
        (-59, "(59s ago)"),
        (59, "(in 59s)"),
        (300, "(in 5m)"),
        (-7300, "(2h ago)"),
        (2e5, "(in 2d)"),
    ],
)
def test_times_are_told_twice(now: datetime, seconds: float, words: str) -> None:
    moment = now + timedelta(seconds=seconds)
    assert when_words(stamp(moment), now) == f"{moment.astimezone():%Y-%m-%d %H:%M:%S} {words}"


def test_times_of_the_wire_are_told_as_people_read_them(now: datetime) -> None:
    soon = when_words(stamp(now + timedelta(seconds=60)), now)
    assert with_times("a 2026-01-31T12:01:00Z, b 2026-01-31T12:01:00.000001Z", now) == f"a {soon}, b {soon}"
    assert with_times("key 'x2026-01-31T12:01:00Zx'", now) == "key 'x2026-01-31T12:01:00Zx'"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("ACTIVE", "session s, which was to be heard of by {}"),
        ("CLOSED", "session s, which has said goodbye"),
        ("LOST", "session s, which is lost"),
        (None, "session s, of which the server knows no more"),
    ],
)
def test_sessions_that_are_not_heard_of(make: Any, now: datetime, status: str | None, words: str) -> None:
    gone = stamp(now - timedelta(seconds=5))
    sessions = {"s": Session(id="s", status=f"SESSION_STATUS_{status}", expire_time=gone)} if status else {}
    explained = Explained(make.flow_run(), sessions=sessions)
    assert session_words(explained, "s", now) == words.format(when_words(gone, now))


@pytest.mark.parametrize(
    ("kind", "stage", "words"),
    [
        ("KILL_INFRASTRUCTURE", 3, "was told to kill what the run runs on {0}; it will not {0}: no such process"),
        ("REVOKE", 4, "was told that the run is no longer its own {0}; the run had ended before {0}: no such process"),
    ],
)
def test_what_a_holder_would_not_do(make: Any, now: datetime, kind: str, stage: int, words: str) -> None:
    moment = stamp(now - timedelta(seconds=5))
    command = FlowRunCommand(
        session_id="s",
        kind=f"FLOW_RUN_COMMAND_KIND_{kind}",
        stage=stage,  # type: ignore[arg-type]
        message="no such process",
        create_time=moment,
        update_time=moment,
    )
    run = make.flow_run(state=make.state("CRASHED"))
    told = explanation_lines(Explained(run, commands=[command]), now)
    assert told[1:] == [
        "Why: what ran it went away.",
        "    it ran for 1.5s",
        f"    session s {words.format(when_words(moment, now))}",
    ]


def test_all_that_a_holder_is_told_has_its_words(make: Any, now: datetime) -> None:
    kinds = [kind for kind in FlowRunCommandKind.values() if kind]
    commands = [FlowRunCommand(session_id="s", kind=kind, create_time=stamp(now)) for kind in kinds]
    lines = explanation_lines(Explained(make.flow_run(state=make.state("CRASHED")), commands=commands), now)
    assert sum("session s was told " in line for line in lines) == len(kinds)
    assert not any("does not know" in line for line in lines)


def test_a_state_of_a_newer_server_has_an_answer_too(make: Any, now: datetime) -> None:
    run = make.flow_run(state=make.state("RUNNING", "Dreaming"))
    run.state.type = 77
    assert questions_of(run), "the server says what may come next"
    assert explanation_lines(Explained(run), now)[0].startswith("Flow run brave-otter ")


def test_many_task_runs_are_not_counted_to_the_end(make: Any, now: datetime) -> None:
    running = [make.task_run(f"r{number}", make.state("RUNNING")) for number in range(101)]
    waiting = [WaitingTaskRun(make.task_run(f"w{number}", make.state("CANCELLING")), None) for number in range(101)]
    blocks = task_run_blocks(Explained(make.flow_run(), running=running, waiting=waiting), now)
    assert blocks[0].says == "Of its task runs more than 100 run and more than 100 wait."
    assert (len(blocks[0].facts), blocks[0].facts[-1]) == (6, "… and more")
    assert (len(blocks), blocks[-1].says) == (7, "… and more")
    assert blocks[1].says.endswith("; it is CANCELLING and ends when its holder confirms.")


def test_a_deferred_task_run_is_asked_about_by_its_own_policy(make: Any) -> None:
    run = make.task_run(state=make.state("SCHEDULED"))
    request = question_of_task_run(run)
    assert request is not None
    assert not request.proposal.state.details.deferred
    run.state.details.deferred = True
    request = question_of_task_run(run)
    assert request is not None
    assert request.proposal.state.details.deferred
    assert request.as_holder
