"""Which services this server leads: of several servers on one database one does the rounds of each, by a lease."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.service_leases import HoldLeases, ReleaseLeases
from antiphon_server.application.wakeups import woken
from antiphon_server.domain.errors import AntiphonError

logger = logging.getLogger(__name__)

#: Seconds for which a lease is held, and between two looks whether it is to be renewed: where a server has the database
#: alone, and where another one takes over from one that died.
ALONE, SHARED = (60.0, 10.0), (6.0, 2.0)


class Leadership:
    """Belongs to the event loop. `server_id` names this server among those of its database; `alone` says that no other
    one can be there: what a server left that died is over at once."""

    def __init__(
        self, core: Core, services: Sequence[str], *, server_id: str, alone: bool, addresses: Sequence[str] = ()
    ) -> None:
        self._core = core
        self._services = tuple(services)
        self._alone = alone
        self._server_id = server_id
        self._addresses = addresses
        self._lease, self._interval = ALONE if alone else SHARED
        #: Service -> until when it is led here, in the time of the loop: a clock that is set takes nothing away.
        self._until: dict[str, float] = {}
        #: Service -> what is done when it comes to be led here.
        self._beginnings: dict[str, Callable[[], Awaitable[None]]] = {}
        self._wake = asyncio.Event()
        self._gone = False
        core.listen(self._on_changes)

    def leads(self, service: str) -> bool:
        """Whether the rounds of a service are this server's to do: those of services that all servers do always are."""
        return service not in self._services or asyncio.get_running_loop().time() < self._until.get(service, 0.0)

    def at_beginning(self, service: str, begin: Callable[[], Awaitable[None]]) -> None:
        """Has `begin` called whenever this server comes to lead a service."""
        self._beginnings[service] = begin

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await woken(self._wake, self._interval)
            self._wake.clear()
            try:
                await self.look()
            except AntiphonError as error:
                logger.warning("leases of services could not be renewed, it is tried again: %s", error)
            except Exception:
                logger.exception("leases of services could not be renewed by a bug; it is tried again")

    async def look(self) -> None:
        """Takes what nobody leads, and renews what runs out soon."""
        now = asyncio.get_running_loop().time()
        led = {service for service, until in self._until.items() if now < until}
        wanted = [service for service in self._services if self._until.get(service, 0.0) < now + self._lease / 2]
        if wanted or not self._alone:  # The others see by it that this server is there.
            lease = HoldLeases(self._server_id, self._addresses, wanted, round(self._lease * 1e6), whosever=self._alone)
            held: set[str] = await self._core.run(lease)
            # From before the call: here it is over sooner than others see it.
            self._until.update(dict.fromkeys(held, now + self._lease))
            for service in sorted(held - led):
                await self._begin(service)

    async def _begin(self, service: str) -> None:
        if not self._alone:
            logger.info("this server leads %s", service)
        begin = self._beginnings.get(service)
        if begin is not None:
            await begin()

    async def release(self) -> None:
        """This server goes away, for good: others lead at once."""
        if self._gone:
            return
        self._gone = True
        self._until.clear()
        try:
            await self._core.run(ReleaseLeases(self._server_id))
        except AntiphonError as error:
            logger.warning("others lead once this server's leases run out, they could not be given back: %s", error)

    def _on_changes(self, changes: Changes) -> None:
        if changes.leadership:
            self._wake.set()
