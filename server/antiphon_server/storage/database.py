"""What the server needs of a database. `sqlite.py` and `postgresql.py` are the two there are."""

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from antiphon_server.storage.writer import Others


class Database(Protocol):
    """Where a server keeps what it remembers."""

    @property
    def address(self) -> str:
        """As people may see it: without a password."""
        ...

    @property
    def durability(self) -> str:
        """How commits reach the disk; shown by AdminService.GetServerInfo."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other servers may be on it at the same time."""
        ...

    @property
    def clock(self) -> Callable[[], int]:
        """What time it is there, in microseconds since the epoch."""
        ...

    def writer_engine(self) -> Engine:
        """The way in for writes: a synchronous engine. Of all transactions on it, and of those of other servers, one
        runs at a time: what it reads, nobody else changes before its end. A commit has reached the disk."""
        ...

    def others(self) -> Others | None:
        """The servers that share the database, for a writer; None where there can be none."""
        ...

    async def listen(self, stir: Callable[[], None]) -> None:
        """Calls `stir` where other servers may have committed, until it is cancelled."""
        ...

    def reader_url(self) -> URL:
        """The way in for reads, which see the last commit."""
        ...

    def reader_options(self) -> dict[str, Any]:
        """For the engine of readers."""
        ...

    def prepare_reader(self, connection: Any, record: Any) -> None:
        """Has a new connection of readers write nothing."""
        ...
