"""What the drivers do with a session that has no room."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.engine.drivers import adrive
from antiphon.engine.effects import Life, Send
from antiphon.session.session import Session
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT
from session_bodies import proposal
from session_model import SessionModel
from session_server import SessionServer

WINDOW = 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SessionServer]:
    with SessionServer(tmp_path, SessionModel(window=WINDOW)) as running:
        yield running


@pytest.fixture
def session(server: SessionServer) -> Iterator[Session]:
    """It has heard the server's window, and hears no more until the server speaks again."""
    opened = Session(lambda: server.target)
    opened.submit(proposal())[0].result(20)
    server.mute = True
    yield opened
    opened.close(0.0)


def speak(server: SessionServer) -> None:
    """The server answers, on the next stream, what it has not looked at."""
    with server.changed:
        server.mute = False
        server.end_streams()


def life(steps: int) -> Life:
    kinds = []
    for step in range(steps):
        verdict = yield Send((proposal(),), wait=step % 2 == 0)
        kinds.append(verdict.kind if verdict is not None else None)
    return kinds


def in_time(coroutine: Callable[[], Any]) -> Any:
    """Runs it in a thread that no failure of this test makes wait for good."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(coroutine())), daemon=True)
    thread.start()
    thread.join(30)
    assert results, "the loop is blocked"
    return results[0]


async def no_room(session: Session) -> None:
    """Returns once the session is full, and all who want more of it have come to wait."""
    while session.has_room:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)


def test_the_loop_goes_on_while_there_is_no_room(server: SessionServer, session: Session) -> None:
    async def main() -> Any:
        running = [asyncio.create_task(adrive(life(3), session)) for _ in range(10 * WINDOW)]
        await no_room(session)
        assert session._core.backlog <= WINDOW, "what has no room waits outside"
        assert not any(each.done() for each in running)
        speak(server)
        return await asyncio.gather(*running)

    accepted = [VERDICT_KIND_ACCEPT, None, VERDICT_KIND_ACCEPT]
    assert in_time(main) == [accepted] * 10 * WINDOW


def test_who_gives_up_waiting_takes_nobodys_turn(server: SessionServer, session: Session) -> None:
    async def main() -> Any:
        running = [asyncio.create_task(adrive(life(1), session)) for _ in range(3 * WINDOW)]
        await no_room(session)
        for each in running[WINDOW : 2 * WINDOW]:
            each.cancel()
        speak(server)
        return await asyncio.gather(*running, return_exceptions=True)

    ends = in_time(main)
    assert ends[:WINDOW] == ends[2 * WINDOW :] == [[VERDICT_KIND_ACCEPT]] * WINDOW
    assert all(isinstance(each, asyncio.CancelledError) for each in ends[WINDOW : 2 * WINDOW])


def test_who_waits_for_room_hears_of_the_sessions_end(server: SessionServer, session: Session) -> None:
    async def main() -> Any:
        running = [asyncio.create_task(adrive(life(1), session)) for _ in range(3 * WINDOW)]
        while session.has_room:
            await asyncio.sleep(0)
        await asyncio.to_thread(session.close, 0.0)
        return await asyncio.gather(*running, return_exceptions=True)

    ends = in_time(main)
    assert [getattr(each, "reason", each) for each in ends] == ["SESSION_CLOSED"] * 3 * WINDOW


def test_a_coroutine_that_is_closed_as_it_waits_for_room(server: SessionServer, session: Session) -> None:
    """It can await nothing more, and what it has to say is sent all the same."""
    last = proposal()

    def closing() -> Life:
        try:
            yield Send((proposal(),), wait=True)
        finally:
            yield Send((last,), wait=False)

    async def main() -> Any:
        session.submit(*(proposal() for _ in range(WINDOW)))
        coroutine = adrive(closing(), session)
        coroutine.send(None)
        coroutine.close()
        return last in [ticket.body for ticket in session._core.unanswered()]

    assert in_time(main)
