"""Bytes that many callers may hold together."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """While more than `limit` is held, who has more than an equal share of it makes room; who has less is left alone.
    Belongs to the event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        #: Streams among which it is shared out.
        self.sharers = 0
        self._less = asyncio.Event()

    def take(self, size: int) -> None:
        """Somebody holds so much more."""
        self.held += size

    def give(self, size: int) -> None:
        """Somebody holds so much less."""
        self.held -= size
        if self.held <= self.limit:
            self._less.set()

    @contextmanager
    def held_for(self, size: int) -> Iterator[None]:
        """Between `take` and `give`."""
        self.take(size)
        try:
            yield
        finally:
            self.give(size)

    def fits(self, size: int) -> bool:
        """Whether there is room for so much more."""
        return self.held + size <= self.limit

    def too_much(self, own: int) -> bool:
        """Whether somebody who holds `own` bytes has to make room."""
        return self.held > self.limit and own * self.sharers > self.limit

    async def room(self) -> None:
        """Returns when no more than `limit` is held."""
        while self.held > self.limit:
            self._less.clear()
            await self._less.wait()
