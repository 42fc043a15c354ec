"""Calls of AcquireSlots: each is answered when its lease is given, when it will never be, or when its time is over."""

import asyncio
import logging
from functools import partial

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.leases import AcquireSlots, StopWaiting, reused
from antiphon_server.domain.errors import AntiphonError, ResourceExhausted, Unavailable
from antiphon_server.domain.leases import Lease

logger = logging.getLogger(__name__)

#: Seconds before it is tried again to take back a lease that nobody hears of.
RETRY_AFTER = 1.0


class _Call:
    """What is asked for once, by one caller or by several who sent the same request."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.answer: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self.callers = 0
        #: Whether a caller got the lease.
        self.delivered = False

    def settle(self, answer: Lease | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
            # Its callers may all have gone.
            self.answer.exception()
        else:
            self.answer.set_result(answer)


class SlotCalls:
    """The calls under way. Belongs to the event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._calls: dict[str, _Call] = {}
        #: By request id.
        self._repeatable: dict[str, _Call] = {}
        self._closed = False
        core.listen(self._on_changes)
        core.at_stop(self._close)

    async def acquire(self, lease: Lease, wait: int, *, must_decay: bool = False) -> Lease:
        """The lease that was asked for, or the one that the same request has got already. `wait` in microseconds.

        Raises what `AcquireSlots` does, what ends the wait for good (see `leasing.serve`), and ResourceExhausted
        (NO_SLOT_FREE) after `wait`. Cancelled, it leaves the queue, and takes nothing along.
        """
        call = self._join(lease) or self._begin(AcquireSlots(lease, wait > 0, must_decay))
        call.callers += 1
        try:
            answer = await self._answer(call, wait)
            call.delivered = True
            return answer
        except asyncio.CancelledError:
            # The one before may have been told of the lease, and who is left may be.
            if call.callers == 1 and not call.delivered:
                self._forget(call)
                self._abandon(call.lease.id)
            raise
        finally:
            call.callers -= 1
            if not call.callers:
                self._forget(call)

    async def _answer(self, call: _Call, wait: int) -> Lease:
        try:
            async with asyncio.timeout(wait / 1e6 if wait else None):
                return await asyncio.shield(call.answer)
        except TimeoutError:
            if call.answer.done():
                return call.answer.result()
            if call.callers > 1:
                raise _none_came_free(call.lease) from None
        # Whoever sends the request again from here on asks anew, behind this.
        self._forget(call)
        given: Lease | None = await self._core.run(StopWaiting(call.lease.id))
        if given is None:
            raise _none_came_free(call.lease)
        return given

    def _join(self, lease: Lease) -> _Call | None:
        call = self._repeatable.get(lease.request_id) if lease.request_id is not None else None
        if call is not None and call.lease.digest != lease.digest:
            raise reused(lease.request_id)
        return call

    def _begin(self, wish: AcquireSlots) -> _Call:
        lease = wish.lease
        call = self._calls[lease.id] = _Call(lease)
        if lease.request_id is not None:
            self._repeatable[lease.request_id] = call
        self._core.submit(wish, partial(self._asked, call))
        return call

    def _asked(self, call: _Call, answer: Lease | Exception | None) -> None:
        if answer is not None:
            call.settle(answer)
        elif self._closed:
            call.settle(_stopping())

    def _on_changes(self, changes: Changes) -> None:
        for lease_id, answer in changes.leases:
            call = self._calls.get(lease_id)
            if call is not None:
                call.settle(answer)

    def _forget(self, call: _Call) -> None:
        self._calls.pop(call.lease.id, None)
        if call.lease.request_id is not None and self._repeatable.get(call.lease.request_id) is call:
            del self._repeatable[call.lease.request_id]

    def _abandon(self, lease_id: str) -> None:
        self._core.submit(StopWaiting(lease_id, abandoned=True), partial(self._abandoned, lease_id))

    def _abandoned(self, lease_id: str, answer: Exception | None) -> None:
        # A server that is stopping leaves it to the next one.
        if isinstance(answer, Exception) and not self._closed:
            logger.warning("lease %s could not be taken back, it is tried again: %s", lease_id, answer)
            asyncio.get_running_loop().call_later(RETRY_AFTER, self._abandon, lease_id)

    def _close(self) -> None:
        """Ends every call: no slot will come free any more."""
        self._closed = True
        for call in list(self._calls.values()):
            call.settle(_stopping())


def _none_came_free(lease: Lease) -> AntiphonError:
    return ResourceExhausted(
        "NO_SLOT_FREE",
        f"no turn came in time at {', '.join(lease.names)}, slots needed: {lease.slots}; ask again, or wait for longer",
    )


def _stopping() -> AntiphonError:
    return Unavailable("SERVER_STOPPING", "the server is stopping; ask for the slots again on the next one")
