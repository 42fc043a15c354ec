"""Slots of concurrency limits, for async code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from antiphon.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
    ConcurrencySlotsLostError,
)
from antiphon.concurrency.leases import Lease
from antiphon.concurrency.slots import give_back, raise_if_lost, take_slots
from antiphon.concurrency.wishes import checked_wish
from antiphon.engine.drivers import adrive
from antiphon.engine.scopes import in_loop

__all__ = [
    "AcquireConcurrencySlotTimeoutError",
    "ConcurrencySlotAcquisitionError",
    "ConcurrencySlotsLostError",
    "concurrency",
    "rate_limit",
]


@asynccontextmanager
async def concurrency(
    names: str | list[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: Any = None,
    raise_on_lease_renewal_failure: bool | None = None,
) -> AsyncIterator[None]:
    """Hold `occupy` slots of each of the named concurrency limits inside the `async with` block.

    All as `antiphon.concurrency.sync.concurrency` has it. Who waits holds no thread. A block whose slots are lost is
    cancelled, and ends with ConcurrencySlotsLostError.
    """
    wish = checked_wish(
        names,
        occupy,
        timeout_seconds,
        strict=strict,
        max_retries=max_retries,
        lease_duration=lease_duration,
        holder=holder,
    )
    lease: Lease | None = await adrive(take_slots(wish), None)
    if lease is None:
        yield
        return
    try:
        lease.keep()
        if strict if raise_on_lease_renewal_failure is None else raise_on_lease_renewal_failure:
            with _CancelledWhenLost(lease):
                yield
        else:
            yield
    finally:
        await adrive(give_back(lease), None)


async def rate_limit(
    names: str | list[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Wait until `occupy` slots of each of the named limits are free, and use them up.

    All as `antiphon.concurrency.sync.rate_limit` has it.
    """
    await adrive(take_slots(checked_wish(names, occupy, timeout_seconds, strict=strict, decaying=True)), None)


class _CancelledWhenLost:
    """A block of the task that enters it."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._inside = False
        self._cancelled = False

    def __enter__(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self._task, self._inside = task, True
        self._lease.when_lost(lambda: in_loop(loop, self._cancel))

    def _cancel(self) -> None:
        if self._inside and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        self._inside = False
        stopped = self._cancelled and isinstance(error, asyncio.CancelledError)
        if self._cancelled and self._task.uncancel() > 0 and stopped:
            # Somebody else cancels the task too, and that goes first.
            return
        raise_if_lost(self._lease, error, cancelled=stopped)
