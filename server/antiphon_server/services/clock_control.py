"""For tests of users' code: a clock that is put forward, so that nobody sleeps through retry delays and schedules.

Whoever started the server holds the other end of a socket, and nobody else can move the clock. A command is a line:
`now`, `advance SECONDS`, `next SECONDS` (until a run waits for a time, at most so long, and then put the clock forward
to that), `jump on` and `jump off` (whether the clock goes to the end of each such wait by itself). The answer is
`ok MICROSECONDS`, the time after it, or `error CAUSE`. The server leaves when the socket closes.
"""

import asyncio
import logging
import math
import socket

from antiphon_server.application.core import Core
from antiphon_server.application.time_travel import KeepAlive
from antiphon_server.clocks import MovableClock
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.services.scheduler import Scheduler
from antiphon_server.services.slot_expiry import SlotExpiry
from antiphon_server.services.sweeper import Sweeper
from antiphon_server.services.waits import Waits

logger = logging.getLogger(__name__)

#: Seconds that one command may put the clock forward: ten years. Times have to stay in the contract's range.
LONGEST = 315_360_000.0
#: Seconds before the clock is put forward again where that failed, for want of disk space perhaps.
RETRY_AFTER = 1.0


class ClockControl:
    """Obeys one socket. Belongs to the event loop."""

    def __init__(
        self,
        clock: MovableClock,
        core: Core,
        waits: Waits,
        slot_expiry: SlotExpiry,
        sweeper: Sweeper,
        scheduler: Scheduler,
        ttl: int,
    ) -> None:
        """`ttl` is that of sessions, in microseconds."""
        self._scheduler = scheduler
        self._clock = clock
        self._core = core
        self._waits = waits
        self._slot_expiry = slot_expiry
        self._sweeper = sweeper
        self._ttl = ttl
        self._jumps = False
        self._somebody_waits = asyncio.Event()
        self._moving = asyncio.Lock()
        waits.on_wait = self._on_wait

    async def obey(self, descriptor: int) -> None:
        """Does what it is told until the socket closes."""
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
        jumping = asyncio.create_task(self._jump())
        try:
            while line := await reader.readline():
                writer.write(f"{await self._answer(line.decode(errors='replace'))}\n".encode())
                await writer.drain()
        except ConnectionError as error:
            logger.info("whoever moved the clock has gone: %s", error)
        finally:
            jumping.cancel()
            writer.close()

    async def _answer(self, line: str) -> str:
        try:
            await self._do(*line.split())
        except (AntiphonError, ValueError, TypeError) as error:
            return f"error {error}"
        return f"ok {self._clock()}"

    async def _do(self, verb: str = "", argument: str = "") -> None:
        match verb, argument:
            case "now", "":
                return
            case "advance", _:
                await self._advance(round(_seconds(argument) * 1e6))
            case "next", _:
                await self._advance_to(await self._soonest(_seconds(argument)))
            case "jump", "on" | "off":
                self._jumps = argument == "on"
                self._somebody_waits.set()
            case _:
                raise ValueError(f"there is no command {verb} {argument}".rstrip())

    def _on_wait(self) -> None:
        self._somebody_waits.set()

    async def _soonest(self, timeout: float) -> int:
        try:
            async with asyncio.timeout(timeout):
                while (soonest := self._waits.soonest()) is None:
                    self._somebody_waits.clear()
                    await self._somebody_waits.wait()
                return soonest
        except TimeoutError:
            raise ValueError(f"no run has begun to wait for a time within {timeout:g} s") from None

    async def _jump(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await self._somebody_waits.wait()
            self._somebody_waits.clear()
            soonest = self._waits.soonest()
            if not self._jumps or soonest is None:
                continue
            try:
                await self._advance_to(soonest)
            except AntiphonError as error:
                logger.warning("the clock could not be put forward: %s", error)
                await asyncio.sleep(RETRY_AFTER)
            if self._waits.soonest() is not None:
                self._somebody_waits.set()

    async def _advance_to(self, time: int) -> None:
        await self._advance(max(time - self._clock(), 0))

    async def _advance(self, by: int) -> None:
        async with self._moving:
            await self._core.run(KeepAlive(self._ttl, by))
            async with self._scheduler.planning:  # A round that has begun would take what is passed for missed.
                self._clock.ahead += by
                self._scheduler.clock_moved()
            self._sweeper.clock_moved(by)
            self._waits.clock_moved()
            self._slot_expiry.clock_moved()
            self._core.clock_moved()
            await self._scheduler.round()
            await self._sweeper.sweep()


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 <= seconds <= LONGEST):
        raise ValueError(f"from 0 to {LONGEST:g} seconds are possible, not {text}")
    return seconds
