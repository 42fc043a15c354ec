"""What is looked at, and from which figures on something is wrong."""

import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Executable

from antiphon_server.application.core import Core, Reader
from antiphon_server.application.task_dispatch import TaskDispatch
from antiphon_server.encryption_keys import KeyRing
from antiphon_server.rpc.admission import Gates
from antiphon_server.services.board import Board
from antiphon_server.services.sweeper import Retention
from antiphon_server.storage.reader import Record

__all__ = ["Bounds", "Patient"]

MIB, GIB = 1024**2, 1024**3


@dataclass(frozen=True, slots=True)
class Bounds:
    """So large that no healthy server, however busy, is beyond them. Times in seconds, sizes in bytes."""

    #: How late a run that nobody takes is a finding, and one that others go before.
    late: float = 60.0
    crowded: float = 300.0
    #: How late the server's own work may be.
    overdue: float = 60.0
    #: A service has missed its rounds after so many intervals, and no sooner than after `overdue`.
    missed_rounds: int = 5
    #: How long ago a server of the same database was seen last.
    silent: float = 8.0
    #: How long changes of other servers may lie unread.
    unheard: float = 5.0
    #: A transaction under way, the median of those of the last minute, of at least so many.
    stuck: float = 3.0
    slow_commit: float = 0.5
    commits: int = 20
    #: How long a query may wait for its connection.
    slow_read: float = 1.0
    #: How far back faults count, and how far those and calls that were turned away are of now.
    lately: float = 300.0
    just_now: float = 60.0
    #: Room on the disk: what is hardly any, and what is little where it is also less than a twentieth.
    no_room: int = 256 * MIB
    little_room: int = 20 * GIB
    log: int = GIB
    kept_for_ever: int = 20 * GIB
    #: How far the clocks of server and database may be apart.
    clocks: float = 5.0
    #: How old a transaction of another program may be.
    old_transaction: float = 600.0
    #: Rows that nobody has cleared away, where they are also more than those that live.
    dead_rows: int = 1_000_000
    #: How far back the oldest transaction may lie that PostgreSQL remembers; it has 2^31 ids ahead of that.
    transaction_ids: int = 1_500_000_000
    #: Of all connections that the database takes, so many may be in use.
    connections: float = 0.9


@dataclass(frozen=True, slots=True)
class Patient:
    """One server: its parts, and how to ask."""

    core: Core
    reader: Reader
    gates: Gates
    board: Board
    #: For how many seconds this server has led a service; 0 where it does not.
    led_for: Callable[[str], float]
    task_dispatch: TaskDispatch
    #: Pool, or deployment that is in none -> those who take from it at this server.
    takers: Collection[str]
    #: Services that one server of a database does for all.
    led: Sequence[str]
    keys: KeyRing
    retention: Retention
    #: The file of SQLite; None on PostgreSQL.
    file: Path | None
    #: The schema that this program knows.
    schema: str
    server_id: str
    bounds: Bounds = field(default_factory=Bounds)
    #: What the world outside says.
    disk: Callable[[Path], Any] = shutil.disk_usage
    mounts: Path = Path("/proc/self/mountinfo")
    wall: Callable[[], float] = time.time

    @property
    def now(self) -> int:
        """Microseconds, by the clock of the database."""
        return self.core.clock()

    async def rows(self, statement: Executable, values: Mapping[str, Any] | None = None) -> list[Record]:
        """What a query finds in the database. Raises what the reader does."""
        return list((await self.reader.ask(lambda connection: connection.execute(statement, values))).all())

    def ago(self, seconds: float) -> int:
        """So long ago, in microseconds."""
        return self.now - round(seconds * 1e6)
