"""Streams whose client does not read: cut, once HTTP/2 has taken no message for a while.

What waits for them is bounded without this (an outbox, names of changes, credit). But their places are taken, and their
clients would never know what they miss: the cut's status reaches them when they read again, and they go on from there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from antiphon_server.domain.errors import ResourceExhausted
from antiphon_server.rpc.interceptors import Behavior, Interceptor

#: Seconds.
PATIENCE = 30.0


class _Writer:
    """What servicers of streams have of a call: they write, and nothing else."""

    def __init__(self, write: Callable[[Any], Awaitable[None]], patience: float) -> None:
        self._write = write
        self._patience = patience

    async def write(self, message: Any) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._write(message)
        except TimeoutError:
            raise ResourceExhausted(
                "SLOW_READER",
                f"the client has read nothing for {self._patience:g} s; begin a new stream, which goes on from the "
                "last cursor, or by the resume token",
                retry_after=0,
            ) from None


class SlowReaderInterceptor(Interceptor):
    """Sits within what makes a status of an error."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """`patience`: seconds that a message may wait for its reader."""
        super().__init__()
        self._patience = patience

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        async def read(request: Any, context: Any) -> Any:
            return await behavior(request, _Writer(context.write, self._patience))

        return read
