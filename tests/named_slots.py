"""Slots that programs take by name, as tests of the SDK take them and look at them."""

import asyncio
from collections.abc import Callable
from typing import Any

from antiphon.concurrency import asyncio as async_twin
from antiphon.concurrency import sync as sync_twin
from antiphon.v1 import concurrency_limit_service_pb2 as pb
from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit
from kinds import Kind

PATIENCE = 20.0
#: Seconds; the shortest that a lease may have.
SHORT = 1.0


class Limits:
    """Limits on the server of a test."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._limits = client.concurrency_limits

    def add(self, name: str, slots: int = 1, **fields: Any) -> str:
        wanted = ConcurrencyLimit(name=name, limit=slots, **fields)
        request = pb.CreateConcurrencyLimitRequest(concurrency_limit=wanted)
        return str(self._client.call(self._limits.CreateConcurrencyLimit, request).concurrency_limit.id)

    def reset(self, name: str) -> None:
        limit = self._client.call(self._limits.GetConcurrencyLimit, pb.GetConcurrencyLimitRequest(name=name))
        request = pb.ResetConcurrencyLimitRequest(id=limit.concurrency_limit.id)
        self._client.call(self._limits.ResetConcurrencyLimit, request)

    def holders(self, name: str) -> list[str]:
        return [slot.holder for slot in self._client.call(self._limits.ListSlots, pb.ListSlotsRequest(name=name)).slots]

    def expire_time(self, name: str) -> float:
        """When its one slot comes free, in seconds since the epoch."""
        (slot,) = self._client.call(self._limits.ListSlots, pb.ListSlotsRequest(name=name)).slots
        return float(slot.expire_time.ToNanoseconds() / 1e9)

    def waiters(self, name: str) -> int:
        request = pb.ListSlotWaitersRequest(name=name, page_size=1000)
        page = self._client.call(self._limits.ListSlotWaiters, request)
        return len(page.slot_waiters) + (1000 if page.next_page_token else 0)


def hold(kind: Kind, *args: Any, inside: Callable[[], Any] = lambda: None, **options: Any) -> Any:
    """Calls `inside` with slots held, as code of a kind does; its coroutine is awaited."""

    async def coroutine() -> Any:
        async with async_twin.concurrency(*args, **options):
            result = inside()
            return await result if asyncio.iscoroutine(result) else result

    if kind.is_async:
        return asyncio.run(coroutine())
    with sync_twin.concurrency(*args, **options):
        return inside()


def rate(kind: Kind, *args: Any, **options: Any) -> None:
    if kind.is_async:
        asyncio.run(async_twin.rate_limit(*args, **options))
    else:
        sync_twin.rate_limit(*args, **options)
