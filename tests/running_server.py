"""A whole server in a thread of the test process: real sockets, a real database, and a clock that a test may move."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from antiphon_server.application.time_travel import KeepAlive
from antiphon_server.clocks import wall_clock
from antiphon_server.server import Server, Settings
from stores import POSTGRESQL, TEST_KEY, place_for


class Clock:
    """Wall time plus what a test adds, in microseconds."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += round(seconds * 1e6)


class FrozenClock(Clock):
    """Moves only when a test says so."""

    def __call__(self) -> int:
        return 1_800_000_000_000_000 + self.ahead


class RunningServer:
    """`with RunningServer(folder) as server:`; `channel` speaks to it."""

    def __init__(
        self,
        home: Path,
        *,
        session_ttl: float = 30.0,
        listen: tuple[str, ...] = (),
        clock: Clock | None = None,
        metrics: str | None = None,
        traces: Any = None,
        database: str = "",
        lease_storage: str = "",
    ) -> None:
        """`database`: PostgreSQL's URL, where others are on it too; its clock is everybody's then."""
        self.clock = clock or Clock()
        self.socket = home / "s"
        self.target = f"unix:{self.socket}"
        self._settings = Settings(
            database or place_for(home / "antiphon.db"),
            (self.target, *listen),
            session_ttl,
            None if database else self.clock,
            # On a database that others may share no server makes one for itself.
            encryption_keys=(TEST_KEY,) if POSTGRESQL or database else (),
            metrics=metrics,
            traces=traces,
            lease_storage=lease_storage,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "RunningServer":
        self._thread.start()
        self.server = self.run(self._make)
        try:
            self.run(self.server.start)
        except BaseException:
            self._end()
            raise
        self.channel = grpc.insecure_channel(self.target)
        return self

    async def _make(self) -> Server:
        return Server(self._settings)

    def run(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Runs a coroutine function in the server's loop and gives what it returns."""

        async def call() -> Any:
            return await function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    def advance(self, seconds: float) -> None:
        """Puts the clock forward, as if all that is alive had been heard of meanwhile."""
        by = round(seconds * 1e6)

        async def move() -> None:
            await self.server.core.run(KeepAlive(round(self._settings.session_ttl * 1e6), by))
            self.clock.ahead += by
            self.server.core.clock_moved()

        self.run(move)

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.run(self.server.stop)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
