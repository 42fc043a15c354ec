"""The sweeper's rounds, with a core that a test plays."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest

from antiphon_server.application.bulk import ForgetBulks
from antiphon_server.application.deadlines import ExpireDeadlines, MarkLateRuns
from antiphon_server.application.forgetting import ForgetCacheEntries, ForgetCommands, ForgetWorkers
from antiphon_server.application.requests import ForgetRequests
from antiphon_server.application.servers import ForgetChanges
from antiphon_server.application.sessions import ExpireSessions, ForgetSessions, ForgiveDowntime
from antiphon_server.domain.errors import Unavailable
from antiphon_server.services.sweeper import Sweeper

TTL = 30_000_000


class PlayedCore:
    """Gives its answers in order, and raises those that are errors; `done` is set when there are none left."""

    def __init__(self, answers: Iterable[Any]) -> None:
        self.now = 0
        self.faults = 0
        self.answers = list(answers)
        self.asked: list[tuple[type, bool]] = []
        self.done = asyncio.Event()

    def clock(self) -> int:
        return self.now

    def owners(self) -> frozenset[str]:
        return frozenset()

    async def run(self, operation: Any, *, bulk: bool = False) -> Any:
        if not self.answers:
            self.done.set()
            await asyncio.Event().wait()
        self.asked.append((type(operation), bulk))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(answers: Iterable[Any], interval: float) -> list[tuple[type, bool]]:
    """Has rounds made until the answers are used up; gives what was asked."""

    async def sweep() -> list[tuple[type, bool]]:
        core = PlayedCore(answers)
        sweeper = Sweeper(core, interval, TTL)  # type: ignore[arg-type]
        if interval:
            await sweeper.sweep()
        sweeping = asyncio.create_task(sweeper.run())
        await asyncio.wait_for(core.done.wait(), 20)
        sweeping.cancel()
        return core.asked

    return asyncio.run(sweep())


EXPIRE, FORGIVE = (ExpireSessions, False), (ForgiveDowntime, False)
WORK = [
    (each, True)
    for each in (
        ExpireDeadlines,
        MarkLateRuns,
        ForgetRequests,
        ForgetSessions,
        ForgetCommands,
        ForgetCacheEntries,
        ForgetBulks,
        ForgetWorkers,
        ForgetChanges,
    )
]
DONE = [False] * len(WORK)


def more(place: int) -> list[bool]:
    """The answers of a round in which the work at this place is not done yet."""
    return [each == place for each in range(len(WORK))]


def test_a_round_that_fails_does_not_end_the_sweeper(caplog: pytest.LogCaptureFixture) -> None:
    busy = Unavailable("STORAGE_BUSY", "another process holds the database")
    asked = play([busy, [], ValueError("a bug"), [], *DONE, ["lost"], *DONE], interval=0)
    assert asked == [EXPIRE, EXPIRE, WORK[0], EXPIRE, *WORK, EXPIRE, *WORK]
    assert [record.getMessage() for record in caplog.records] == [
        "sessions could not be swept, the next round tries again: another process holds the database",
        "sessions could not be swept by a bug; the next round tries again",
        "session lost was not heard of for its TTL; what it held is left to others",
    ]


def test_where_more_is_to_be_done_the_next_round_follows_at_once() -> None:
    # The interval is an hour, and the last round would wait for it if there were nothing more.
    rounds = [answer for place in range(len(WORK)) for answer in ([], *more(place))]
    assert play(rounds, interval=3600) == [EXPIRE, *WORK] * len(WORK)


def test_who_could_not_be_heard_is_not_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def rounds() -> list[list[tuple[type, bool]]]:
        core = PlayedCore([])
        sweeper = Sweeper(core, 5, TTL)  # type: ignore[arg-type]
        made = []
        for after, faults, answers in (
            (10, 0, [[]]),
            (11, 0, [None, []]),  # It was suspended.
            (-3600, 0, [None, []]),  # The clock was set.
            (5, 1, [Unavailable("STORAGE_FULL", "the disk is full")]),
            (5, 2, [None, Unavailable("STORAGE_FULL", "the disk is full")]),
            (5, 2, [None, []]),
            (5, 2, [[]]),
        ):
            core.now += after * 1_000_000
            core.faults = faults
            core.answers, core.asked = [*answers, *DONE], []
            with suppress(Unavailable):
                await sweeper.sweep()
            made.append(core.asked)
        return made

    healthy, forgiving = [EXPIRE, *WORK], [FORGIVE, EXPIRE, *WORK]
    rest = [[FORGIVE], [FORGIVE, EXPIRE], forgiving, healthy]
    assert asyncio.run(rounds()) == [healthy, forgiving, forgiving, *rest]
    assert "11.0 s and 0 failed transactions since sessions were last looked at" in caplog.text
