"""What keeps the time of leases that are renewed over and over: the database, or another storage in front of it."""

from typing import Protocol

from antiphon_server.application.core import Core
from antiphon_server.application.leases import RenewSlots
from antiphon_server.domain.leases import Lease


class LeaseStorage(Protocol):
    """Who holds slots is the database's to say: leases begin there, and end there when they are released. Whoever
    keeps their time hears of it by the commits. Belongs to the event loop."""

    #: As people may see it: without a password.
    address: str

    async def renew(self, id: str, duration: int | None) -> Lease:
        """Has a lease last from now on for `duration` microseconds, or as long as the last time. Whatever happens to
        the storage then, it does. Raises NotFound (LEASE_NOT_FOUND)."""
        ...

    async def run(self) -> None:
        """Ends leases whose time is over, soon after that, until it is cancelled. Returns where others do it."""
        ...

    async def close(self) -> None:
        """The server has stopped."""
        ...


class DatabaseLeaseStorage:
    """Each renewal is a transaction; leases are ended by the timer of `services/slot_expiry.py`."""

    address = "database"

    def __init__(self, core: Core) -> None:
        self._core = core

    async def renew(self, id: str, duration: int | None) -> Lease:
        lease: Lease = await self._core.run(RenewSlots(id, duration))
        return lease

    async def run(self) -> None:
        return

    async def close(self) -> None:
        return
