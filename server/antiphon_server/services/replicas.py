"""Takes over what servers left that are no more: one of the servers on a database looks after it for all."""

import asyncio
import logging
from collections.abc import Callable

from antiphon_server.application.core import Core
from antiphon_server.application.operations import EndWait
from antiphon_server.application.servers import ForgetServers, OverdueWaits
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.services.board import Board
from antiphon_server.services.slot_expiry import SlotExpiry
from antiphon_server.services.slot_queues import SlotQueues

logger = logging.getLogger(__name__)

NAME = "replicas"
#: Seconds between two looks.
INTERVAL = 5.0


class Replicas:
    """Belongs to the event loop."""

    def __init__(
        self,
        core: Core,
        slot_expiry: SlotExpiry,
        slot_queues: SlotQueues,
        *,
        board: Board,
        leads: Callable[[str], bool],
    ) -> None:
        self._core = core
        self._slot_expiry = slot_expiry
        self._slot_queues = slot_queues
        self._board = board
        self._leads = leads
        board.add(NAME, "takes over what servers left that are no more", INTERVAL)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            if not self._leads(NAME):
                continue
            try:
                with self._board.round(NAME):
                    await self.look()
            except AntiphonError as error:
                logger.warning("what other servers left could not be looked at, it is tried again: %s", error)
            except Exception:
                logger.exception("what other servers left could not be looked at by a bug; it is tried again")

    async def look(self) -> None:
        """One round."""
        if await self._core.run(ForgetServers()):
            logger.warning("a server is not seen any more; its work is done here")
            await self._slot_queues.restore()
        self._slot_expiry.look()
        for transition_id, kind, run_id in await self._core.run(OverdueWaits()):
            await self._core.run(EndWait(transition_id, kind, run_id))
