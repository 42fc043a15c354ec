"""Reads of many rows that stand still when a test wants them to, so that what it does comes before them."""

import asyncio
from collections.abc import Callable
from typing import Any

from running_server import RunningServer


def hold_reads(server: RunningServer, first: int = 0) -> Callable[[], None]:
    """Has reads of rows by their ids stand still after so many; gives what lets them go on."""
    reader = server.server.reader
    matching, gate, left = reader.matching, asyncio.Event(), first

    async def held(*what: Any) -> Any:
        nonlocal left
        if left <= 0:
            await gate.wait()
        left -= 1
        return await matching(*what)

    async def go_on() -> None:
        gate.set()

    reader.matching = held  # type: ignore[method-assign]
    return lambda: server.run(go_on)
