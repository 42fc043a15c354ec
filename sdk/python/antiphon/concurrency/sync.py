"""Slots of concurrency limits, for sync code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from antiphon.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
    ConcurrencySlotsLostError,
)
from antiphon.concurrency.leases import Lease
from antiphon.concurrency.slots import give_back, raise_if_lost, take_slots
from antiphon.concurrency.wishes import checked_wish
from antiphon.engine.drivers import drive
from antiphon.engine.interrupts import interruptible
from antiphon.exceptions import SlotsLost

__all__ = [
    "AcquireConcurrencySlotTimeoutError",
    "ConcurrencySlotAcquisitionError",
    "ConcurrencySlotsLostError",
    "concurrency",
    "rate_limit",
]


@contextmanager
def concurrency(
    names: str | list[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: Any = None,
    raise_on_lease_renewal_failure: bool | None = None,
) -> Iterator[None]:
    """Hold `occupy` slots of each of the named concurrency limits inside the `with` block: of all of them or of none.

    Whoever comes waits for their turn at the server, for at most `timeout_seconds`; None waits for ever. `max_retries`
    bounds the wait to so many times what the server guesses at one turn; 0 does not wait. The slots are renewed as long
    as the block lasts. They are free again `lease_duration` seconds (1 to 86,400) after a process was last heard of,
    sooner where the server gives up its session. `holder` tells people who this is, text or what has a `type` and an
    `id`; by default it is the run.

    A name without a limit bounds nothing, with a warning; with `strict` it is an error. Slots that are lost all the
    same (somebody reset the limit, or there was no server in time) are a warning; where
    `raise_on_lease_renewal_failure` is true, by default as `strict`, the block is interrupted and ends with
    ConcurrencySlotsLostError. What blocks in C ends first.

    Raises AcquireConcurrencySlotTimeoutError (a TimeoutError), ConcurrencySlotAcquisitionError for what can never be
    had and where the server refuses, TypeError and ValueError for wrong arguments.
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
    lease: Lease | None = drive(take_slots(wish), None)
    if lease is None:
        yield
        return
    try:
        lease.keep()
        if strict if raise_on_lease_renewal_failure is None else raise_on_lease_renewal_failure:
            with _stopped_when_lost(lease):
                yield
        else:
            yield
    finally:
        drive(give_back(lease), None)


def rate_limit(
    names: str | list[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Wait until `occupy` slots of each of the named limits are free, and use them up: they come free again by
    themselves, by the limit's `slot_decay_per_second`.

    Arguments and errors as of `concurrency`. A limit whose slots do not decay is a ConcurrencySlotAcquisitionError.
    """
    drive(take_slots(checked_wish(names, occupy, timeout_seconds, strict=strict, decaying=True)), None)


@contextmanager
def _stopped_when_lost(lease: Lease) -> Iterator[None]:
    error: BaseException | None = None
    try:
        with interruptible() as block:
            lease.when_lost(lambda: block.interrupt(SlotsLost))
            yield
    except BaseException as raised:
        error = raised
        raise_if_lost(lease, error)
        raise
    raise_if_lost(lease, None)
