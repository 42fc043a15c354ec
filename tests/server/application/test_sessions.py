"""Sessions on a database: epochs, sequence numbers, and what becomes of runs whose session is lost."""

from typing import Any

import pytest

from antiphon_server.application import forgetting
from antiphon_server.application.forgetting import COMMANDS_KEPT, ForgetCommands
from antiphon_server.application.operations import ProposeOnSession, ProposeTransition
from antiphon_server.application.sessions import (
    KEPT,
    ExpireSessions,
    ForgetSessions,
    ForgiveDowntime,
    Frame,
    HasActiveSessions,
    NoteCommandResult,
    OpenSession,
    ReadCommands,
    ResumeSession,
    SpeakOnSession,
    Spoken,
)
from antiphon_server.domain.errors import Aborted, AntiphonError, FailedPrecondition, NotFound, Unauthenticated
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.domain.states import CANCELLING, COMPLETED, PENDING, RUNNING, SCHEDULED
from antiphon_server.storage import tables
from antiphon_server.storage.writer import Operation
from writing import SECOND, START, TASK_RUN, Writing, flow_run, new_id, proposal, propose, task_run

TTL = 30 * SECOND


def opened(writing: Writing) -> str:
    return str(writing.do(OpenSession("test", TTL)).id)


def speak(session: str, *operations: Operation, first: int = 1, epoch: int = 1, **more: Any) -> SpeakOnSession:
    frames = [Frame(number, operation) for number, operation in enumerate(operations, first)]
    return SpeakOnSession(session, epoch, TTL, frames, **more)


def stored(writing: Writing, session: str) -> Any:
    return writing.row(tables.sessions, id=session)


def reason(error: Any) -> str:
    assert isinstance(error, AntiphonError), error
    return error.reason


def test_a_session_is_opened(writing: Writing) -> None:
    session = opened(writing)
    row = stored(writing, session)
    assert (row.client, row.epoch, row.status, row.sequence) == ("test", 1, SessionStatus.ACTIVE, 0)
    assert (row.create_time, row.expire_time) == (START, START + TTL)


def test_resuming_raises_the_epoch_and_fences_off_who_spoke_before(writing: Writing) -> None:
    session = opened(writing)
    writing.now += SECOND
    resumed = writing.do(ResumeSession(session, "again", TTL))
    assert (resumed.epoch, resumed.expire_time) == (2, START + SECOND + TTL)
    assert stored(writing, session).client == "again"
    before = writing.everything()
    with pytest.raises(Aborted) as refused:
        writing.do(speak(session, flow_run()))
    assert refused.value.reason == "SESSION_SUPERSEDED"
    assert writing.everything() == before
    assert writing.do(speak(session, flow_run(), epoch=2)).committed_sequence == 1


def test_who_spoke_before_is_fenced_off_in_the_same_batch(writing: Writing) -> None:
    session = opened(writing)
    before, _, after, now = writing.together(
        speak(session, flow_run()),
        ResumeSession(session, "", TTL),
        speak(session, flow_run(), first=2),
        speak(session, flow_run(), first=2, epoch=2),
    )
    assert (before.committed_sequence, reason(after), now.committed_sequence) == (1, "SESSION_SUPERSEDED", 2)
    assert len(writing.rows(tables.flow_runs)) == 2


def test_each_of_two_attaches_in_one_batch_gets_an_epoch_of_its_own(writing: Writing) -> None:
    session = opened(writing)
    first, second = writing.together(ResumeSession(session, "a", TTL), ResumeSession(session, "b", TTL))
    assert [(each.epoch, each.client) for each in (first, second)] == [(2, "a"), (3, "b")]


def test_a_session_of_another_database_is_not_known(writing: Writing) -> None:
    for operation in (ResumeSession(new_id(), "", TTL), speak(new_id())):
        with pytest.raises(Unauthenticated) as refused:
            writing.do(operation)
        assert refused.value.reason == "RESUME_TOKEN_INVALID"


def test_frames_are_done_in_order_and_counted(writing: Writing) -> None:
    session = opened(writing)
    run = new_id()
    writing.now += SECOND
    spoken: Spoken = writing.do(speak(session, flow_run(run), propose(run, RUNNING), propose(run, COMPLETED)))
    assert [number for number, _ in spoken.answers] == [1, 2, 3]
    assert [spoken.answers[i][1].state.name for i in (1, 2)] == ["Running", "Completed"]
    row = stored(writing, session)
    assert (row.sequence, row.expire_time) == (3, START + SECOND + TTL)


def test_a_frame_that_is_refused_takes_its_place(writing: Writing) -> None:
    session = opened(writing)
    run = new_id()
    spoken = writing.do(speak(session, propose(new_id(), RUNNING), flow_run(run), propose(run, RUNNING)))
    assert reason(spoken.answers[0][1]) == "FLOW_RUN_NOT_FOUND"
    assert (spoken.fatal, spoken.committed_sequence) == (None, 3)
    assert stored(writing, session).sequence == 3


def test_nothing_behind_a_gap_is_done(writing: Writing) -> None:
    session = opened(writing)
    kept, lost = new_id(), new_id()
    spoken = writing.do(
        SpeakOnSession(session, 1, TTL, [Frame(1, flow_run(kept)), Frame(3, flow_run(lost)), Frame(2, flow_run())])
    )
    assert [number for number, _ in spoken.answers] == [1]
    assert reason(spoken.fatal) == "SEQUENCE_GAP"
    assert stored(writing, session).sequence == 1
    assert [run.id for run in writing.rows(tables.flow_runs)] == [kept]
    spoken = writing.do(speak(session, flow_run(lost), first=5))
    assert (spoken.answers, reason(spoken.fatal)) == ([], "SEQUENCE_GAP")


def test_frames_sent_again_are_answered_as_they_were(writing: Writing) -> None:
    session = opened(writing)
    run = new_id()
    frames = [flow_run(run), propose(run, RUNNING), propose(new_id(), RUNNING)]
    first = writing.do(speak(session, *frames))
    rows = writing.rows(tables.transitions), writing.rows(tables.flow_runs)
    again = writing.do(speak(session, *frames))
    assert again.answers[:2] == first.answers[:2]
    assert [reason(each.answers[2][1]) for each in (first, again)] == ["FLOW_RUN_NOT_FOUND"] * 2
    assert again.committed_sequence == 3
    assert (writing.rows(tables.transitions), writing.rows(tables.flow_runs)) == rows


def test_any_message_is_a_sign_of_life(writing: Writing) -> None:
    session = opened(writing)
    writing.now += TTL
    writing.do(speak(session))
    writing.now += TTL
    assert writing.do(ExpireSessions(writing.now)) == []
    assert stored(writing, session).status == SessionStatus.ACTIVE


def held_run(writing: Writing, session: str, *types: Any, **body: Any) -> str:
    run = writing.flow_run(session_id=session, **body)
    for type_ in types:
        writing.propose(run, type_, session_id=session)
    return run


def test_a_session_not_heard_of_is_lost_with_all_that_it_holds(writing: Writing) -> None:
    session, alive = opened(writing), opened(writing)
    bare = held_run(writing, session)
    pending = held_run(writing, session, PENDING)
    running = held_run(writing, session, RUNNING)
    asked = held_run(writing, session, RUNNING, CANCELLING)
    done = held_run(writing, session, RUNNING, COMPLETED)
    another = held_run(writing, alive, RUNNING)
    unheld = writing.flow_run()
    task = writing.task_run(running, session_id=session)
    writing.propose(task, RUNNING, TASK_RUN, session_id=session)
    writing.now += 10 * SECOND
    writing.do(speak(alive))
    writing.now += TTL - 10 * SECOND
    assert writing.do(ExpireSessions(writing.now)) == []
    writing.now += 1
    assert writing.do(ExpireSessions(writing.now)) == [session]
    states = {run.id: run.state_name for run in writing.rows(tables.flow_runs)}
    assert states == {
        bare: "Crashed",
        pending: "Crashed",
        running: "Crashed",
        asked: "Cancelled",
        done: "Completed",
        another: "Running",
        unheld: None,
    }
    assert writing.row(tables.task_runs).state_name == "Crashed"
    held = {run.id: run.session_id for run in writing.rows(tables.flow_runs) if run.session_id is not None}
    assert held == {another: alive}
    assert stored(writing, session).status == SessionStatus.LOST
    assert writing.changes is not None
    assert writing.changes.ended_sessions == [session]
    crash = writing.row(tables.transitions, run_id=running, state_name="Crashed")
    assert crash.message == "the process that held the run was not heard of any more"


def test_a_lost_session_may_not_speak_again(writing: Writing) -> None:
    session = opened(writing)
    run = held_run(writing, session, RUNNING)
    writing.now += TTL + 1
    writing.do(ExpireSessions(writing.now))
    assert writing.do(ExpireSessions(writing.now)) == [], "only once"
    late = opened(writing)
    writing.now += TTL + 1
    again = ExpireSessions(writing.now)
    assert [writing.do(again), writing.do(again)] == [[late], []], "each time that it is done it looks anew"
    before = writing.everything()
    zombie = propose(run, COMPLETED, session_id=session)
    for operation in (ResumeSession(session, "", TTL), speak(session, zombie)):
        with pytest.raises(FailedPrecondition) as refused:
            writing.do(operation)
        assert refused.value.reason == "SESSION_EXPIRED"
    assert writing.everything() == before


def test_who_speaks_in_the_very_batch_of_the_sweep(writing: Writing) -> None:
    early, late = opened(writing), opened(writing)
    writing.now += TTL + 1
    heard, lost, refused = writing.together(speak(early), ExpireSessions(writing.now), speak(late))
    assert heard.committed_sequence == 0
    assert lost == [late]
    assert reason(refused) == "SESSION_EXPIRED"


def test_who_speaks_while_the_sweep_waits_for_its_turn_is_not_lost(writing: Writing) -> None:
    session = opened(writing)
    sweep = ExpireSessions(writing.now + TTL)
    writing.now += 2 * TTL  # The writer was held up for so long, by a slow disk perhaps.
    lost, heard = writing.together(sweep, speak(session))
    assert (lost, heard.committed_sequence) == ([], 0)


def test_sessions_that_ended_long_ago_are_forgotten(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "MAX_FORGOTTEN", 2)
    closed, lost, holding, active = (opened(writing) for _ in range(4))
    writing.do(speak(closed, goodbye=True))
    held_run(writing, active, RUNNING)
    writing.do(SpeakOnSession(active, 1, 100 * KEPT))
    writing.now += TTL + 1
    assert set(writing.do(ExpireSessions(writing.now))) == {lost, holding}
    writing.task_run(None, session_id=holding)
    assert writing.do(ForgetSessions()) is False
    assert len(writing.rows(tables.sessions)) == 4, "for a week they can be looked at"
    writing.now += KEPT
    young = opened(writing)
    writing.do(speak(young, goodbye=True))
    assert [writing.do(ForgetSessions()) for _ in range(2)] == [True, False]
    assert {row.id for row in writing.rows(tables.sessions)} == {holding, active, young}


def test_whether_a_session_may_still_be_lost_is_known(writing: Writing) -> None:
    assert writing.do(HasActiveSessions()) is False
    session = opened(writing)
    assert writing.together(OpenSession("", TTL), HasActiveSessions())[1] is True
    writing.now += TTL + 1
    assert writing.do(HasActiveSessions()) is True
    writing.do(ExpireSessions(writing.now))
    assert stored(writing, session).status == SessionStatus.LOST
    assert writing.do(HasActiveSessions()) is False


def test_a_subflow_that_crashes_is_mirrored(writing: Writing) -> None:
    session = opened(writing)
    stand_in = writing.task_run(writing.flow_run())
    held_run(writing, session, RUNNING, parent_task_run_id=stand_in)
    writing.now += TTL + 1
    writing.do(ExpireSessions(writing.now))
    assert writing.row(tables.task_runs).state_name == "Crashed"


def test_nothing_waits_for_a_lost_session(writing: Writing) -> None:
    session = opened(writing)
    run = held_run(writing, session, SCHEDULED)
    later = writing.now + 100 * SECOND
    writing.propose(run, SCHEDULED, session_id=session, due=later)
    waiting = ProposeOnSession(proposal(run, RUNNING, session_id=session), 1, b"")
    writing.do(speak(session, waiting))
    writing.propose(run, CANCELLING, session_id="stranger")
    assert (len(writing.rows(tables.waits)), len(writing.rows(tables.commands))) == (1, 1)
    writing.now += TTL + 1
    writing.do(ExpireSessions(writing.now))
    assert writing.rows(tables.waits) == []
    assert [row.stage for row in writing.rows(tables.commands)] == [0], "one can see that it was told and did not hear"
    assert writing.changes is not None
    assert writing.changes.ended_waits == [(waiting.proposal.transition_id, run)]


def test_goodbye_ends_a_session_after_its_last_frames(writing: Writing) -> None:
    session = opened(writing)
    run, left = new_id(), new_id()
    frames = [flow_run(run, session_id=session), propose(run, RUNNING, session_id=session)]
    frames += [propose(run, COMPLETED, session_id=session), flow_run(left, session_id=session)]
    spoken = writing.do(speak(session, *frames, goodbye=True))
    assert len(spoken.answers) == 4
    states = {run.id: run.state_name for run in writing.rows(tables.flow_runs)}
    assert states == {run: "Completed", left: "Crashed"}
    assert stored(writing, session).status == SessionStatus.CLOSED
    with pytest.raises(FailedPrecondition, match="said goodbye"):
        writing.do(ResumeSession(session, "", TTL))


def test_goodbye_behind_a_gap_is_not_heard(writing: Writing) -> None:
    session = opened(writing)
    writing.do(speak(session, flow_run(), first=2, goodbye=True))
    assert stored(writing, session).status == SessionStatus.ACTIVE


def test_nobody_is_blamed_for_the_servers_absence(writing: Writing) -> None:
    away, lost, busy = opened(writing), opened(writing), opened(writing)
    writing.do(SpeakOnSession(busy, 1, 10 * TTL))
    with writing.engine.begin() as connection:
        connection.execute(tables.sessions.update().where(tables.sessions.c.id == lost).values(status=3))
    writing.now += 5 * TTL
    writing.do(ForgiveDowntime(TTL))
    assert stored(writing, away).expire_time == writing.now + TTL
    assert stored(writing, busy).expire_time == START + 10 * TTL, "nobody's time is cut"
    assert stored(writing, lost).expire_time == START + TTL
    assert writing.do(ExpireSessions(writing.now)) == []


def commanded(writing: Writing) -> tuple[str, str, str]:
    """A session, its run, and the id of the command to cancel it."""
    session = opened(writing)
    run = held_run(writing, session, RUNNING)
    writing.propose(run, CANCELLING, session_id=opened(writing))
    return session, run, writing.row(tables.commands).id


def test_commands_are_told_until_they_are_answered(writing: Writing) -> None:
    session, run, command = commanded(writing)
    for _ in range(2):
        writing.do(ResumeSession(session, "", TTL))
        (told,) = writing.do(ReadCommands(session))
        assert (told["id"], told["flow_run_id"], told["kind"]) == (command, run, "cancel_run")
    (told,) = writing.do(speak(session, epoch=3, with_commands=True)).commands
    assert told["id"] == command
    received = NoteCommandResult(session, command, 1, "on it")
    spoken = writing.do(speak(session, received, epoch=3, with_commands=True))
    assert [(each["stage"], each["message"]) for each in spoken.commands] == [(1, "on it")]
    applied = NoteCommandResult(session, command, 2, "done")
    assert writing.do(speak(session, applied, first=2, epoch=3, with_commands=True)).commands == []
    told = writing.row(tables.commands)
    assert (told.stage, told.message, told.update_time) == (2, "done", writing.now)
    writing.do(speak(session, applied, first=2, epoch=3))  # A replay changes nothing, and that is fine.
    writing.do(speak(session, NoteCommandResult(session, command, 1, "late"), first=3, epoch=3))
    assert writing.row(tables.commands) == told, "stages only rise"
    writing.now += COMMANDS_KEPT + 1
    assert not writing.do(ForgetCommands())
    assert writing.rows(tables.commands) == []


def test_only_who_was_told_can_answer_a_command(writing: Writing) -> None:
    _, _, command = commanded(writing)
    stranger = opened(writing)
    writing.do(speak(stranger, NoteCommandResult(stranger, command, 2, "")))
    row = writing.row(tables.commands)
    assert (row.id, row.stage) == (command, 0)


def test_a_command_and_the_session_that_gets_it_in_one_batch(writing: Writing) -> None:
    session = opened(writing)
    run = new_id()
    create = speak(session, flow_run(run, session_id=session), propose(run, RUNNING, session_id=session))
    cancel = propose(run, CANCELLING, session_id=opened(writing))
    spoken = writing.together(create, cancel, speak(session, with_commands=True))[2]
    assert [each["flow_run_id"] for each in spoken.commands] == [run]


def test_errors_of_single_frames_write_nothing_of_their_own(writing: Writing) -> None:
    session = opened(writing)
    spoken = writing.do(speak(session, task_run(new_id()), ProposeTransition(proposal(new_id(), RUNNING))))
    assert [type(answer) for _, answer in spoken.answers] == [NotFound, NotFound]
    assert not any(rows for name, rows in writing.everything().items() if name != "sessions")
