"""A session over real Unix sockets, with a server that cuts, refuses, falls silent and dies."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from antiphon.exceptions import ObjectNotFound, ServerError, ServerUnreachable, SessionLost, SettingError
from antiphon.ids import new_id
from antiphon.session.core import GREETING_PATIENCE
from antiphon.session.session import Session
from antiphon.session.ticket import Ticket
from antiphon.v1.session_pb2 import (
    COMMAND_STAGE_APPLIED,
    COMMAND_STAGE_RECEIVED,
    CancelRun,
    Command,
    CommandStage,
    Drain,
    RevokeRun,
)
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT, VERDICT_KIND_REJECT
from session_bodies import flow_run, proposal, task_run
from session_model import SessionModel, make_status
from session_server import SessionServer

Open = Callable[..., Session]
PATIENCE = 20.0


def verdict_kind(ticket: Ticket) -> int:
    verdict = ticket.result(PATIENCE)
    assert verdict is not None
    return verdict.kind


def test_answers_of_every_kind(server: SessionServer, session: Session) -> None:
    create, refused, accepted, rejected = session.submit(flow_run(), task_run("refuse"), proposal(), proposal("reject"))
    assert create.result(PATIENCE) is None
    with pytest.raises(ObjectNotFound, match="no such flow run"):
        refused.result(PATIENCE)
    assert verdict_kind(accepted) == VERDICT_KIND_ACCEPT
    assert verdict_kind(rejected) == VERDICT_KIND_REJECT
    assert session.session_id == "session-1" and server.model.clients == ["tests"]
    assert not session.ended


def test_what_is_submitted_together_travels_together(server: SessionServer, session: Session) -> None:
    session.submit(*(proposal() for _ in range(50)))[-1].result(PATIENCE)
    messages = [last for _, last in server.model.acks_due]
    assert messages == [50]


def test_what_nobody_waits_for_travels_with_the_next(server: SessionServer, session: Session) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    [lazy] = session.submit(proposal(), urgent=False)
    assert verdict_kind(lazy) == VERDICT_KIND_ACCEPT, "it goes by itself when nothing else comes"


def test_wait_is_pushed_when_it_is_over(server: SessionServer, session: Session) -> None:
    [ticket] = session.submit(proposal("wait"))
    assert session.flush(PATIENCE), "WAIT is an answer"
    assert ticket.deferred and not ticket.done()
    with server.changed:
        [model_session] = server.model.sessions.values()
        server.push(server.model.release(model_session, ticket.body.transition_id))  # type: ignore[union-attr]
    assert verdict_kind(ticket) == VERDICT_KIND_ACCEPT


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_cut_loses_nothing_and_doubles_nothing(
    server: SessionServer, session: Session, looked_at: bool, caplog: pytest.LogCaptureFixture
) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    with caplog.at_level(logging.INFO, "antiphon.session"):
        server.cuts = [looked_at] * 3
        tickets = session.submit(task_run(), *(proposal() for _ in range(20)), task_run("refuse"))
        assert tickets[0].result(PATIENCE) is None
        assert {verdict_kind(each) for each in tickets[1:-1]} == {VERDICT_KIND_ACCEPT}
        with pytest.raises(ObjectNotFound):
            tickets[-1].result(PATIENCE)
    assert len(server.model.sessions) == 1 and server.attaches == 4
    expected = [each.body.transition_id for each in tickets[1:-1]]  # type: ignore[union-attr]
    assert server.model.transitions[1:] == expected
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2, "once when it begins and once when it is over"
    assert "the test cut the stream. Trying again, for up to 600 s" in texts[0]
    assert "Connected to the server again" in texts[1]


def test_a_stream_of_frames_survives_many_cuts(server: SessionServer, session: Session) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    tickets: list[Ticket] = []
    for number in range(40):
        tickets += session.submit(*(each for _ in range(10) for each in (task_run(), proposal())))
        if number % 4 == 0:
            # Something is answered between two cuts, so the session does not stay away for long.
            tickets[-1].result(PATIENCE)
            with server.changed:
                server.cuts.append(number % 8 == 0)
    for ticket in tickets:
        ticket.result(PATIENCE)
    assert not server.cuts and server.attaches == 11
    proposals = [each.body.transition_id for each in tickets[1::2]]  # type: ignore[union-attr]
    assert server.model.transitions[1:] == proposals
    assert server.model.created == [each.body.id for each in tickets[::2]]  # type: ignore[union-attr]


def test_a_server_that_dies_and_comes_back_is_found_again(server: SessionServer, session: Session) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    server.stop()
    [ticket] = session.submit(proposal())
    server.start()
    assert verdict_kind(ticket) == VERDICT_KIND_ACCEPT
    assert len(server.model.sessions) == 1


def test_connect_is_asked_anew_for_each_connection(server: SessionServer, open_session: Open) -> None:
    calls: list[int] = []

    def connect() -> str:
        calls.append(1)
        return server.target

    session = open_session(connect)
    session.submit(proposal())[0].result(PATIENCE)
    server.end_streams()
    server.wait_for(lambda: server.attaches == 2)
    assert len(calls) == 2


def test_a_server_that_is_late_is_waited_for(tmp_path: Path, open_session: Open) -> None:
    server = SessionServer(tmp_path)
    session = open_session(server.target)
    [ticket] = session.submit(proposal())
    with server:
        assert verdict_kind(ticket) == VERDICT_KIND_ACCEPT


def test_retry_info_is_obeyed(server: SessionServer, session: Session) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    server.end_streams(make_status("RESOURCE_EXHAUSTED", "SLOW_READER", retry_after=0.3))
    begin = time.monotonic()
    session.submit(proposal())[0].result(PATIENCE)
    assert time.monotonic() - begin >= 0.25


def test_without_a_server_tickets_fail_with_cause_and_next_step(tmp_path: Path, open_session: Open) -> None:
    session = open_session(f"unix:{tmp_path}/nobody", startup_timeout=0.2)
    tickets = session.submit(proposal(), task_run())
    for ticket in tickets:
        with pytest.raises(ServerUnreachable, match=r"No server for .* this process has given up") as caught:
            ticket.result(PATIENCE)
    assert "antiphon server start" in str(caught.value)
    with pytest.raises(ServerUnreachable):
        _ = session.session_id
    assert session.ended
    with pytest.raises(ServerUnreachable):
        session.submit(proposal())[0].result(0)


def test_a_later_outage_has_its_own_limit_and_revokes_runs(server: SessionServer, open_session: Open) -> None:
    session = open_session(server.target, reconnect_timeout=0.2)
    session.submit(proposal())[0].result(PATIENCE)
    revoked: list[Command] = []

    def handler(command: Command) -> CommandStage:
        revoked.append(command)
        return COMMAND_STAGE_APPLIED

    session.set_run_handler("run", handler)
    server.stop()
    with pytest.raises(ServerUnreachable, match="ANTIPHON_CLIENT_RECONNECT_TIMEOUT_SECONDS"):
        session.submit(proposal())[0].result(PATIENCE)
    assert [each.revoke_run.flow_run_id for each in revoked] == ["run"]
    server.start()


@pytest.mark.parametrize(
    "error", [ServerUnreachable("the database is from a newer version"), SettingError("the address is wrong")]
)
def test_a_server_that_cannot_be_started_is_not_waited_for(open_session: Open, error: Exception) -> None:
    def connect() -> str:
        raise error

    begin = time.monotonic()
    session = open_session(connect)
    with pytest.raises(type(error), match=str(error)):
        session.submit(proposal())[0].result(PATIENCE)
    assert time.monotonic() - begin < 10


def test_a_bug_in_the_sessions_thread_fails_tickets_instead_of_hanging(open_session: Open) -> None:
    def connect() -> str:
        raise ZeroDivisionError("a bug")

    session = open_session(connect)
    with pytest.raises(ServerError, match="by a bug: ZeroDivisionError: a bug"):
        session.submit(proposal())[0].result(PATIENCE)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("FAILED_PRECONDITION", "SESSION_EXPIRED"),
        ("UNAUTHENTICATED", "RESUME_TOKEN_INVALID"),
        ("ABORTED", "SESSION_SUPERSEDED"),
        ("FAILED_PRECONDITION", "SEQUENCE_GAP"),
    ],
)
def test_a_lost_session_tells_runs_first_and_then_fails_tickets(
    server: SessionServer, session: Session, code: str, reason: str
) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    [ticket] = session.submit(proposal("wait"))
    assert session.flush(PATIENCE)
    told: list[tuple[str, bool]] = []

    def handler(command: Command) -> CommandStage:
        told.append((command.revoke_run.flow_run_id, ticket.done()))
        return COMMAND_STAGE_APPLIED

    session.set_run_handler("run", handler)
    server.end_streams(make_status(code, reason, "the server says why"))
    with pytest.raises(SessionLost, match="given up this process's session: the server says why") as caught:
        ticket.result(PATIENCE)
    assert caught.value.reason == reason
    assert told == [("run", False)]
    assert session.ended
    with pytest.raises(SessionLost):
        session.submit(proposal())[0].result(PATIENCE)


def test_a_resume_that_is_refused_is_a_loss(server: SessionServer, session: Session) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    with server.changed:
        server.model.sessions[session.session_id].over = True
        server.end_streams()
    with pytest.raises(SessionLost) as caught:
        session.submit(proposal())[0].result(PATIENCE)
    assert caught.value.reason == "SESSION_EXPIRED"


def test_a_refusal_that_no_retry_mends_ends_the_session_with_the_servers_words(
    server: SessionServer, open_session: Open
) -> None:
    server.refusals = [make_status("PERMISSION_DENIED", "NOT_ALLOWED", "not for you")]
    session = open_session(server.target)
    with pytest.raises(ServerError, match="not for you") as caught:
        session.submit(proposal())[0].result(PATIENCE)
    assert (caught.value.code, caught.value.reason) == ("PERMISSION_DENIED", "NOT_ALLOWED")
    assert server.attaches == 1


def test_commands_reach_the_handler_in_the_sessions_thread(server: SessionServer, session: Session) -> None:
    run = new_id()
    seen: list[tuple[str, str]] = []

    def handler(command: Command) -> CommandStage:
        seen.append((command.cancel_run.reason, threading.current_thread().name))
        return COMMAND_STAGE_APPLIED

    session.set_run_handler(run, handler)
    command = Command(id=new_id(), cancel_run=CancelRun(flow_run_id=run, reason="enough"))
    server.command(command, session_id=session.session_id)
    stages = server.stages(session.session_id, 2)
    assert stages == [(command.id, COMMAND_STAGE_RECEIVED, ""), (command.id, COMMAND_STAGE_APPLIED, "")]
    assert seen == [("enough", "antiphon-session")]


def test_a_command_that_comes_again_after_a_cut_is_handled_once(server: SessionServer, session: Session) -> None:
    run = new_id()
    calls: list[Command] = []

    def handler(command: Command) -> CommandStage:
        calls.append(command)
        return COMMAND_STAGE_APPLIED

    session.set_run_handler(run, handler)
    command = Command(id=new_id(), revoke_run=RevokeRun(task_run_id=run))
    session.submit(proposal())[0].result(PATIENCE)
    server.cuts = [False]  # what the client says of the command is lost
    server.command(command, session_id=session.session_id)
    server.wait_for(lambda: not server.model.sessions[session.session_id].commands)
    assert calls == [command]
    stages = {stage for _, stage, _ in server.stages(session.session_id, 2)}
    assert stages == {COMMAND_STAGE_RECEIVED, COMMAND_STAGE_APPLIED}


def test_after_drain_the_session_goes_on_and_comes_back_at_once(server: SessionServer, session: Session) -> None:
    session_id = session.session_id
    command = Command(id=new_id(), drain=Drain(reason="an update"))
    server.command(command, session_id=session_id)
    assert server.stages(session_id, 2)[1][:2] == (command.id, COMMAND_STAGE_APPLIED)
    assert verdict_kind(session.submit(proposal())[0]) == VERDICT_KIND_ACCEPT
    server.end_streams(None)
    server.wait_for(lambda: server.attaches == 2)
    assert verdict_kind(session.submit(proposal())[0]) == VERDICT_KIND_ACCEPT


def test_heartbeats_keep_a_silent_session_alive(tmp_path: Path, open_session: Open) -> None:
    with SessionServer(tmp_path, SessionModel(ttl=0.15)) as server:
        session = open_session(server.target)
        session_id = session.session_id
        server.wait_for(lambda: server.model.sessions[session_id].heartbeats >= 4)
        assert server.attaches == 1


def test_a_welcome_that_comes_late_does_not_delay_heartbeats(tmp_path: Path, open_session: Open) -> None:
    with SessionServer(tmp_path, SessionModel(ttl=0.6)) as server:
        server.welcome_delay = 0.1  # much longer than frames that nobody waits for are held back
        session_id = open_session(server.target).session_id
        server.wait_for(lambda: server.model.sessions[session_id].heartbeats >= 1, timeout=GREETING_PATIENCE / 2)


def test_a_server_that_says_nothing_for_a_ttl_is_left_and_found_again(tmp_path: Path, open_session: Open) -> None:
    with SessionServer(tmp_path, SessionModel(ttl=0.15)) as server:
        session = open_session(server.target)
        session.submit(proposal())[0].result(PATIENCE)
        server.mute = True
        [ticket] = session.submit(proposal())
        server.wait_for(lambda: server.attaches >= 2)
        with server.changed:
            server.mute = False
            server.end_streams()
        assert verdict_kind(ticket) == VERDICT_KIND_ACCEPT
        assert len(server.model.sessions) == 1


def test_submit_waits_for_room_but_not_in_the_sessions_thread(tmp_path: Path, open_session: Open) -> None:
    with SessionServer(tmp_path, SessionModel(window=4)) as server:
        session = open_session(server.target)
        session.submit(proposal())[0].result(PATIENCE)
        server.mute = True
        tickets = session.submit(*(proposal() for _ in range(4)))
        late: list[Ticket] = []
        thread = threading.Thread(target=lambda: late.extend(session.submit(proposal())))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive(), "there is no room"
        from_callback: list[Ticket] = []
        tickets[0].add_done_callback(lambda _: from_callback.extend(session.submit(*(proposal() for _ in range(9)))))
        with server.changed:
            server.mute = False
            server.end_streams()
        thread.join(PATIENCE)
        for ticket in (*tickets, *late):
            assert verdict_kind(ticket) == VERDICT_KIND_ACCEPT
        for ticket in from_callback:
            assert verdict_kind(ticket) == VERDICT_KIND_ACCEPT
        assert len(from_callback) == 9 and server.attaches == 2, "the window was kept, or the model had cut us"


def test_waiting_for_the_session_in_its_own_thread_is_refused(session: Session) -> None:
    errors: list[Exception] = []

    def wait(_: Ticket) -> None:
        try:
            # A second frame is open, so there is something to wait for.
            session.submit(proposal("wait"), proposal())
            session.flush(1.0)
        except RuntimeError as error:
            errors.append(error)

    session.submit(proposal())[0].add_done_callback(wait)
    assert session.flush(PATIENCE)
    session.submit(proposal())[0].result(PATIENCE)
    assert "own thread cannot wait" in str(errors[0])


def test_flush_waits_for_what_was_submitted_before(server: SessionServer, session: Session) -> None:
    session.submit(proposal())[0].result(PATIENCE)
    server.mute = True
    tickets = session.submit(proposal(), task_run())
    assert not session.flush(0.05)
    with server.changed:
        server.mute = False
        server.end_streams()
    assert session.flush(PATIENCE)
    assert all(ticket.done() for ticket in tickets)
    begin = time.perf_counter()
    assert session.flush(PATIENCE)
    assert time.perf_counter() - begin < 1.0


def test_close_flushes_says_goodbye_and_fails_what_comes_later(server: SessionServer, session: Session) -> None:
    tickets = session.submit(*(proposal() for _ in range(100)))
    session_id = session.session_id
    assert session.close(PATIENCE, "done")
    assert all(ticket.done() for ticket in tickets)
    assert server.model.sessions[session_id].over, "it said goodbye"
    with pytest.raises(ServerError, match="closed by this process"):
        session.submit(proposal())[0].result(0)
    assert session.ended and session.close()


def test_close_interrupts_a_wait_for_a_server_and_fails_tickets(tmp_path: Path, open_session: Open) -> None:
    session = open_session(f"unix:{tmp_path}/nobody")
    [ticket] = session.submit(proposal())
    begin = time.monotonic()
    assert not session.close(0.05)
    assert time.monotonic() - begin < 5
    with pytest.raises(ServerError, match="closed"):
        ticket.result(PATIENCE)


def test_many_threads_share_a_session_and_each_keeps_its_order(server: SessionServer, session: Session) -> None:
    submitted: dict[int, list[str]] = {}

    def work(number: int) -> None:
        mine = submitted[number] = []
        for _ in range(50):
            first, second = session.submit(proposal(), proposal())
            mine += [first.body.transition_id, second.body.transition_id]  # type: ignore[union-attr]
            second.result(PATIENCE)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    transitions = server.model.transitions
    assert len(transitions) == 800
    place = {transition: index for index, transition in enumerate(transitions)}
    for mine in submitted.values():
        assert [place[each] for each in mine] == sorted(place[each] for each in mine)
        assert all(place[b] == place[a] + 1 for a, b in zip(mine[::2], mine[1::2], strict=True)), "a pair was torn"
