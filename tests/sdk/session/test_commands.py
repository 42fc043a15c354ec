"""Commands: handled once, answered each time."""

import logging

import pytest

from antiphon.ids import new_id
from antiphon.session.commands import CommandDesk
from antiphon.v1.session_pb2 import (
    COMMAND_STAGE_APPLIED,
    COMMAND_STAGE_RECEIVED,
    COMMAND_STAGE_REFUSED,
    COMMAND_STAGE_TOO_LATE,
    COMMAND_STAGE_UNSPECIFIED,
    CancelRun,
    Command,
    CommandResult,
    CommandStage,
    Drain,
    RevokeRun,
)


@pytest.fixture
def results() -> list[CommandResult]:
    return []


@pytest.fixture
def desk(results: list[CommandResult]) -> CommandDesk:
    return CommandDesk(results.append)


def cancel(run: str = "run") -> Command:
    return Command(id=new_id(), cancel_run=CancelRun(flow_run_id=run, reason="enough"))


def stages(results: list[CommandResult]) -> list[CommandStage]:
    return [result.stage for result in results]


def test_received_is_said_before_the_handler_and_its_word_after(
    desk: CommandDesk, results: list[CommandResult]
) -> None:
    seen: list[tuple[Command, list[CommandStage]]] = []

    def handler(command: Command) -> CommandStage:
        seen.append((command, stages(results)))
        return COMMAND_STAGE_APPLIED

    desk.set_handler("run", handler)
    command = cancel()
    desk.handle(command)
    assert seen == [(command, [COMMAND_STAGE_RECEIVED])]
    assert stages(results) == [COMMAND_STAGE_RECEIVED, COMMAND_STAGE_APPLIED]
    assert {result.command_id for result in results} == {command.id}


def test_sent_again_it_is_answered_again_and_handled_once(desk: CommandDesk, results: list[CommandResult]) -> None:
    calls: list[Command] = []

    def handler(command: Command) -> CommandStage:
        calls.append(command)
        return COMMAND_STAGE_APPLIED

    desk.set_handler("run", handler)
    command = cancel()
    desk.handle(command)
    desk.remove_handler("run")
    desk.handle(command)
    assert calls == [command]
    assert stages(results) == [COMMAND_STAGE_RECEIVED, COMMAND_STAGE_APPLIED, COMMAND_STAGE_APPLIED]


def test_a_run_that_is_over_or_unknown_is_too_late(desk: CommandDesk, results: list[CommandResult]) -> None:
    desk.set_handler("run", lambda _: COMMAND_STAGE_APPLIED)
    desk.remove_handler("run")
    desk.remove_handler("run")
    desk.handle(cancel())
    desk.handle(Command(id=new_id(), revoke_run=RevokeRun(task_run_id="other")))
    assert stages(results)[1::2] == [COMMAND_STAGE_TOO_LATE] * 2


def test_a_handler_that_fails_refuses(
    desk: CommandDesk, results: list[CommandResult], caplog: pytest.LogCaptureFixture
) -> None:
    desk.set_handler("run", lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    with caplog.at_level(logging.ERROR, "antiphon.session"):
        desk.handle(cancel())
    assert results[-1].stage == COMMAND_STAGE_REFUSED
    assert results[-1].message == "ZeroDivisionError: division by zero" and "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("stage", [COMMAND_STAGE_UNSPECIFIED, COMMAND_STAGE_RECEIVED, None])
def test_a_handler_that_says_nothing_final_refuses(
    desk: CommandDesk, results: list[CommandResult], stage: CommandStage | None
) -> None:
    desk.set_handler("run", lambda _: stage)  # type: ignore[arg-type,return-value]
    desk.handle(cancel())
    assert results[-1].stage == COMMAND_STAGE_REFUSED and results[-1].message


def test_drain_has_no_id_and_is_heard_each_time_and_not_answered(
    desk: CommandDesk, results: list[CommandResult]
) -> None:
    for _ in range(2):
        desk.handle(Command(drain=Drain(reason="stopping")))
        assert desk.draining
        desk.draining = False
    assert results == []


def test_drain_is_applied_and_what_is_unknown_refused(desk: CommandDesk, results: list[CommandResult]) -> None:
    desk.handle(Command(id=new_id(), drain=Drain()))
    assert desk.draining and results[-1].stage == COMMAND_STAGE_APPLIED
    desk.handle(Command(id=new_id()))
    assert results[-1].stage == COMMAND_STAGE_REFUSED and "upgrade" in results[-1].message


def test_a_lost_session_revokes_every_run(desk: CommandDesk, results: list[CommandResult]) -> None:
    got: list[Command] = []

    def handler(command: Command) -> CommandStage:
        got.append(command)
        return COMMAND_STAGE_APPLIED

    desk.set_handler("a", handler)
    desk.set_handler("b", lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    desk.set_handler("c", handler)
    desk.revoke_all("the session is lost")
    assert [(each.revoke_run.flow_run_id, each.revoke_run.reason) for each in got] == [
        ("a", "the session is lost"),
        ("c", "the session is lost"),
    ]
    assert results == []
