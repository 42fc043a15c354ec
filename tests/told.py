"""Workers that a test runs by hand: what `run` tells, and what it returns."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from antiphon.client.schemas.objects import FlowRun
from antiphon.workers.base import BaseWorker, BaseWorkerResult


class Told:
    """Takes what `run` tells."""

    def __init__(self) -> None:
        self.pid: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def started(self, value: Any = None) -> None:
        self.pid.set_result(value)

    def claimed(self) -> None:
        raise AssertionError("nobody here hears of claims")


class Running:
    """A run that is under way."""

    def __init__(self, pid: str, ending: "asyncio.Task[BaseWorkerResult]") -> None:
        self.pid, self.ending = pid, ending

    async def end(self) -> BaseWorkerResult:
        """What `run` returned."""
        return await asyncio.wait_for(self.ending, 60)


@contextlib.asynccontextmanager
async def running(worker: BaseWorker, flow_run: FlowRun, configuration: Any) -> AsyncIterator[Running]:
    """A run that has started. Raises what `run` raises where it could not be started."""
    told = Told()
    ending = asyncio.ensure_future(worker.run(flow_run, configuration, told))
    try:
        await asyncio.wait([told.pid, ending], return_when=asyncio.FIRST_COMPLETED, timeout=60)
        if ending.done() and not told.pid.done():
            ending.result()
        yield Running(told.pid.result(), ending)
    finally:
        ending.cancel()
        await asyncio.wait([ending])
