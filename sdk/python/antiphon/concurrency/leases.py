"""Leases of slots, and the one thread of a process that renews them all."""

import heapq
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

import grpc

from antiphon.exceptions import ObjectNotFound, ServerError
from antiphon.ids import new_id
from antiphon.server_errors import from_rpc_error
from antiphon.service_client import ServiceClient
from antiphon.v1.concurrency_limit_service_pb2 import ReleaseSlotsRequest, RenewSlotsRequest

#: The part of a lease's time after which it is renewed.
RENEWED_AFTER = 0.75
#: Seconds between tries to renew or release where a server does not answer, at most.
_AGAIN = 1.0
_CALL_TIMEOUT = 30.0
_SWEPT_AFTER = 64


class Lease:
    """Slots that somebody holds. Renewed from `keep` to `give_back`."""

    def __init__(self, client: ServiceClient, id: str, names: tuple[str, ...], duration: float, logger: Any) -> None:
        """`duration` in seconds, from now."""
        self.id = id
        self.names = names
        self.duration = duration
        #: Why it is lost, once it is.
        self.lost = ""
        self._client = client
        self._logger = logger
        self._expires = time.monotonic() + duration
        self._over = False
        self._timer: _Timer | None = None
        self._release: ReleaseSlotsRequest | None = None
        self._losers: list[Callable[[], object]] = []

    def keep(self) -> None:
        """Has it renewed from now on."""
        self._timer = _renewals.at(self._expires - self.duration * (1 - RENEWED_AFTER), self._renew)

    def when_lost(self, callback: Callable[[], object]) -> None:
        """Has `callback` called, in any thread, once it is lost. It must be quick."""
        self._losers.append(callback)
        if self.lost:
            callback()

    def give_back(self) -> Any:
        """Ends it, and gives a future that is done when the server was asked. Where that does not answer it is asked
        again in the background."""
        self._over = True
        if self._timer is not None:
            _renewals.cancel(self._timer)
        self._release = ReleaseSlotsRequest(lease_id=self.id, request_id=new_id())
        try:
            return self._ask_release()
        except ValueError:
            # gRPC's word for a channel that was closed: the process ends, and its slots come free with its session.
            done: Future[None] = Future()
            done.set_result(None)
            return done

    def _ask_release(self) -> Any:
        answer = self._client.concurrency_limits.ReleaseSlots.future(self._release, timeout=_CALL_TIMEOUT)
        answer.add_done_callback(self._released)
        return answer

    def _released(self, answer: Any) -> None:
        problem = self._problem(answer)
        if problem is None:
            return
        if problem.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED") and time.monotonic() < self._expires:
            _renewals.at(time.monotonic() + _AGAIN, self._ask_release)
        else:
            self._logger.warning("Slots of %s could not be given back: %s", ", ".join(self.names), problem)

    def _renew(self) -> None:
        if self._over:
            return
        request = RenewSlotsRequest(lease_id=self.id)
        patience = max(min(self._expires - time.monotonic(), _CALL_TIMEOUT), _AGAIN)
        answer = self._client.concurrency_limits.RenewSlots.future(request, timeout=patience)
        answer.add_done_callback(partial(self._renewed, time.monotonic()))

    def _renewed(self, asked: float, answer: Any) -> None:
        if self._over:
            return
        problem = self._problem(answer)
        if problem is None:
            self._expires = asked + self.duration
            self.keep()
            return
        gone = isinstance(problem, ObjectNotFound)
        now = time.monotonic()
        if gone or now >= self._expires:
            self._lose("the server has ended it" if gone else f"it could not be renewed in time: {problem}")
        if not gone:
            # The server may have kept it, and give it to nobody else while it lasts.
            left = self._expires - now
            self._timer = _renewals.at(now + (min(_AGAIN, left / 4) if left > 0 else _AGAIN), self._renew)

    def _lose(self, why: str) -> None:
        if self.lost:
            return
        self.lost = why
        self._logger.warning(
            "Slots of %s are lost, somebody else may have them: %s. Code that must not go on then asks for "
            "raise_on_lease_renewal_failure=True.",
            ", ".join(self.names),
            why,
        )
        for callback in list(self._losers):
            callback()

    def _problem(self, answer: Any) -> ServerError | None:
        try:
            answer.result()
        except grpc.RpcError as error:
            return from_rpc_error(error, self._client.target)
        except grpc.FutureCancelledError:
            return ServerError("The channel was closed.", code="CANCELLED")
        return None


def release_request(request_id: str, client: ServiceClient) -> None:
    """Gives back what a call of AcquireSlots got, or still waits for, whose answer nobody hears."""
    with suppress(ValueError):  # as in `give_back`
        client.concurrency_limits.ReleaseSlots.future(
            ReleaseSlotsRequest(acquire_request_id=request_id, request_id=new_id()), timeout=_CALL_TIMEOUT
        )


class _Timer:
    """Something that is to be called at a time, unless it is cancelled."""

    __slots__ = ("function", "moment")

    def __init__(self, moment: float, function: Callable[[], object]) -> None:
        self.moment = moment
        self.function: Callable[[], object] | None = function

    def __lt__(self, other: "_Timer") -> bool:
        return self.moment < other.moment


class _Renewals:
    """Calls functions at their times, from a thread that it starts with the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: A heap.
        self._due: list[_Timer] = []
        self._cancelled = 0
        self._thread: threading.Thread | None = None

    def at(self, moment: float, function: Callable[[], object]) -> _Timer:
        """`moment` is of time.monotonic; `function` must be quick."""
        timer = _Timer(moment, function)
        with self._changed:
            heapq.heappush(self._due, timer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="antiphon-leases", daemon=True)
                self._thread.start()
            elif self._due[0] is timer:
                self._changed.notify()
        return timer

    def cancel(self, timer: _Timer) -> None:
        """Most leases end long before they are renewed: what they leave here is swept out now and then."""
        with self._changed:
            if timer.function is None:
                return
            timer.function = None
            self._cancelled += 1
            if self._cancelled > _SWEPT_AFTER and 2 * self._cancelled > len(self._due):
                self._due = [each for each in self._due if each.function is not None]
                heapq.heapify(self._due)
                self._cancelled = 0

    def _run(self) -> None:
        while True:
            function = self._next()
            try:
                if function is not None:
                    function()
            except ValueError:
                # gRPC's word for a channel that was closed: the process ends, and its session with it.
                continue

    def _next(self) -> Callable[[], object] | None:
        """Waits until something is due; None where that was cancelled."""
        with self._changed:
            while not self._due or self._due[0].moment > time.monotonic():
                self._changed.wait(max(self._due[0].moment - time.monotonic(), 0) if self._due else None)
            timer = heapq.heappop(self._due)
            function, timer.function = timer.function, None
            if function is None:
                self._cancelled = max(self._cancelled - 1, 0)
            return function


def _renew_in_child() -> None:
    """Leases of a process that forked are its own."""
    global _renewals
    _renewals = _Renewals()


_renewals = _Renewals()
os.register_at_fork(after_in_child=_renew_in_child)
