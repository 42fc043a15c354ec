"""Long-running operations that stand still when a test wants them to, so that they cannot end too early for it."""

import asyncio
from collections.abc import Callable

from running_server import RunningServer


def hold_operations(server: RunningServer, chunks: int) -> Callable[[], None]:
    """Has the runner stand still after so many chunks; gives what lets it go on."""
    runner = server.server.operations_runner
    step, gate, left = runner.step, asyncio.Event(), chunks

    async def held(id: str) -> bool:
        nonlocal left
        if not left:
            await gate.wait()
        left -= 1
        return await step(id)

    async def go_on() -> None:
        gate.set()

    runner.step = held  # type: ignore[method-assign]
    return lambda: server.run(go_on)
