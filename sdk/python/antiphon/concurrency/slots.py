"""How slots are taken and given back: written once, for sync and async code."""

import logging
import math
import time
from functools import partial
from typing import Any

from antiphon.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
    ConcurrencySlotsLostError,
)
from antiphon.concurrency.leases import Lease, release_request
from antiphon.concurrency.wishes import Wish
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine.dual import Work
from antiphon.engine.effects import Ask, Await
from antiphon.engine.scopes import RunScope
from antiphon.engine.server_calls import wait_at_server
from antiphon.exceptions import ObjectNotFound, ServerError, SlotsLost
from antiphon.ids import new_id
from antiphon.logging.run_loggers import run_logger
from antiphon.session.registry import get_session
from antiphon.shared_client import shared_client
from antiphon.v1.concurrency_limit_service_pb2 import AcquireSlotsRequest, AcquireSlotsResponse

#: Seconds that the server waits with a call, at most; and how long slots of a rate are leased, which then decay.
_LONGEST_WAIT = 86_400.0
_RATE_LEASE = 1.0


def take_slots(wish: Wish) -> Work[Lease | None]:
    """Waits for slots, and gives their lease; None where no limit has any of the names.

    Raises AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError, SettingError.
    """
    names, end = list(wish.names), math.inf if wish.timeout is None else time.monotonic() + wish.timeout
    token = (yield from _resume_token(names)) if names and not wish.decaying else ""
    while names:
        # Strict in any case: so the server says which name has no limit.
        request = AcquireSlotsRequest(
            names=names,
            slots=wish.slots,
            holder=wish.holder,
            strict=True,
            resume_token=token,
            must_decay=wish.decaying,
        )
        duration = _RATE_LEASE if wish.decaying else wish.lease_duration
        request.lease_duration.FromMilliseconds(round(duration * 1000))
        try:
            answer = yield from _patiently(request, wish, end)
        except ObjectNotFound as error:
            unknown = error.metadata.get("name", "")
            if wish.strict or unknown not in names:
                raise _refused(names, error) from error
            _logger().warning(
                "There is no concurrency limit %r, so it bounds nothing: create it with `antiphon gcl create`, or say "
                "strict=True to have this fail.",
                unknown,
            )
            names.remove(unknown)
            continue
        return Lease(shared_client(), answer.lease.id, tuple(names), duration, _logger())
    return None


def give_back(lease: Lease) -> Work[None]:
    """Gives slots back, and waits until the server has heard of it, or does not answer. Raises nothing."""
    yield Await([lease.give_back()], RunScope())


def raise_if_lost(lease: Lease, error: BaseException | None, *, cancelled: bool = False) -> None:
    """At the end of a block: has its code's caller know that the slots were lost, unless the code fails by an `error`
    of its own. `cancelled`: the error is how it was stopped."""
    if lease.lost and (error is None or cancelled or isinstance(error, SlotsLost)):
        raise ConcurrencySlotsLostError(
            f"The slots of {', '.join(lease.names)} were lost while they were held: {lease.lost}. Somebody else may "
            "have them, so this code was stopped. Take them anew; with raise_on_lease_renewal_failure=False it would "
            "have gone on."
        )


def _resume_token(names: Any) -> Work[str]:
    """Of this process's session: with that the slots are free, should the process die."""
    session = get_session()
    try:
        if not session.is_open:
            yield Ask(lambda: session.resume_token)
        return session.resume_token
    except ServerError as error:
        raise _refused(names, error) from error


def _patiently(request: AcquireSlotsRequest, wish: Wish, end: float) -> Work[AcquireSlotsResponse]:
    """Asks until it is time to give up. One call waits for a day at most, and an outage takes nothing from the rest."""
    bound = end
    if wish.max_retries is not None:
        # Nobody tries again and again here: the server is told how long to wait, by its own guess at one turn.
        try:
            return (yield from _once(request, 0.0))
        except ServerError as error:
            guess = error.retry_after or 0.0
            if error.reason != "NO_SLOT_FREE" or not wish.max_retries:
                raise _refused(request.names, error) from error
        bound = min(end, time.monotonic() + wish.max_retries * guess)
    while True:
        left = bound - time.monotonic()
        try:
            return (yield from _once(request, min(max(left, 0.0), _LONGEST_WAIT)))
        except ServerError as error:
            over = time.monotonic() >= bound or left <= 0
            if error.reason != "NO_SLOT_FREE" and not (error.code == "DEADLINE_EXCEEDED" and over):
                if isinstance(error, ObjectNotFound):
                    raise
                raise _refused(request.names, error) from error
            if over and bound == end:
                raise _timed_out(request, wish) from error
            if over:
                raise _refused(request.names, error) from error


def _once(request: AcquireSlotsRequest, wait: float) -> Work[AcquireSlotsResponse]:
    request.wait_timeout.FromMicroseconds(round(wait * 1e6))
    request.request_id = new_id()
    return (
        yield from wait_at_server(
            lambda client: client.concurrency_limits.AcquireSlots,
            request,
            AcquireSlotsResponse,
            wait,
            partial(release_request, request.request_id),
        )
    )


def _timed_out(request: AcquireSlotsRequest, wish: Wish) -> AcquireConcurrencySlotTimeoutError:
    return AcquireConcurrencySlotTimeoutError(
        f"No turn came within {wish.timeout:g} second(s) at {', '.join(request.names)}, slots needed: {request.slots}. "
        "`antiphon gcl inspect` shows who holds them; give them more time by timeout_seconds, or the limit more slots."
    )


def _refused(names: Any, error: ServerError) -> ConcurrencySlotAcquisitionError:
    return ConcurrencySlotAcquisitionError(f"No slots can be had of {', '.join(names)}: {error}")


def _logger() -> Any:
    run = TaskRunContext.get() or FlowRunContext.get()
    return run_logger(run) if run is not None else logging.getLogger("antiphon.concurrency")
