"""Which services this server leads: of several servers on one database one does the rounds of each, by a lease."""

import asyncio
import logging
from collections.abc import Sequence

from uuid_utils import uuid7

from antiphon_server.application.core import Core
from antiphon_server.application.service_leases import HoldLeases, ReleaseLeases
from antiphon_server.domain.errors import AntiphonError

logger = logging.getLogger(__name__)

#: Seconds for which a lease is held, and between two looks whether it is to be renewed: at half of its time.
LEASE, INTERVAL = 60.0, 10.0


class Leadership:
    """Belongs to the event loop. `alone` says that no other server can be on the database: what a server left that died
    is over at once."""

    def __init__(self, core: Core, services: Sequence[str], *, alone: bool) -> None:
        self._core = core
        self._services = tuple(services)
        self._alone = alone
        #: Names this server among those of its database.
        self.holder = str(uuid7())
        #: Service -> until when it is led here, in the time of the loop: a clock that is set takes nothing away.
        self._until: dict[str, float] = {}

    def leads(self, service: str) -> bool:
        """Whether the rounds of a service are this server's to do: those of services that all servers do always are."""
        return service not in self._services or asyncio.get_running_loop().time() < self._until.get(service, 0.0)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.look()
            except AntiphonError as error:
                logger.warning("leases of services could not be renewed, it is tried again: %s", error)
            except Exception:
                logger.exception("leases of services could not be renewed by a bug; it is tried again")

    async def look(self) -> None:
        """Takes what nobody leads, and renews what runs out soon."""
        now = asyncio.get_running_loop().time()
        wanted = [service for service in self._services if self._until.get(service, 0.0) < now + LEASE / 2]
        if wanted:
            lease = HoldLeases(self.holder, wanted, round(LEASE * 1e6), whosever=self._alone)
            held: set[str] = await self._core.run(lease)
            # From before the call: here it is over sooner than others see it.
            self._until.update(dict.fromkeys(held, now + LEASE))

    async def release(self) -> None:
        """Lets others lead at once."""
        if self._until:
            self._until.clear()
            await self._core.run(ReleaseLeases(self.holder))
