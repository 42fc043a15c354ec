"""The sweeper's rounds, with a core that a test plays."""

import asyncio
from typing import Any

import pytest

from antiphon_server.application.sessions import ExpireSessions
from antiphon_server.domain.errors import Unavailable
from antiphon_server.services.sweeper import Sweeper


class PlayedCore:
    """Fails the first round, finds nobody in the second and somebody in the third."""

    def __init__(self) -> None:
        self.rounds = 0
        self.done = asyncio.Event()

    async def run(self, operation: Any) -> list[str]:
        assert isinstance(operation, ExpireSessions)
        self.rounds += 1
        if self.rounds == 1:
            raise Unavailable("STORAGE_BUSY", "another process holds the database")
        if self.rounds == 3:
            self.done.set()
            return ["lost"]
        return []


def test_a_round_that_fails_does_not_end_the_sweeper(caplog: pytest.LogCaptureFixture) -> None:
    async def sweep() -> None:
        core = PlayedCore()
        sweeping = asyncio.create_task(Sweeper(core, interval=0.001).run())  # type: ignore[arg-type]
        await asyncio.wait_for(core.done.wait(), 20)
        await asyncio.sleep(0)
        sweeping.cancel()

    asyncio.run(sweep())
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "sessions could not be swept, the next round tries again: another process holds the database"
    assert told[1] == "session lost was not heard of for its TTL; its runs are CRASHED"
