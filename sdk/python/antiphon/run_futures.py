"""Futures of task runs in this process, and waiting for many."""

import concurrent.futures
import queue
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from antiphon.collections_visit import Upstream, resolve
from antiphon.engine.interrupts import awakened
from antiphon.mailbox import Mailbox
from antiphon.state_core import State, StateDetails, StateType
from antiphon.state_rules import exception_to_crashed_state

R = TypeVar("R")

__all__ = [
    "AntiphonFuture",
    "AntiphonFutureList",
    "DoneAndNotDoneFutures",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]

#: Gets what ended; None where who waits is interrupted.
_Ended: TypeAlias = Mailbox[concurrent.futures.Future[Any] | None]


class AntiphonFuture(Generic[R]):
    """A task run that was submitted. It ends with the run, whatever the run's end is."""

    def __init__(self, task_run_id: str, wrapped_future: "concurrent.futures.Future[State[R]]") -> None:
        """`wrapped_future` is that of the pool: it gets the run's final state."""
        self._task_run_id = task_run_id
        self._running = wrapped_future
        self._end: State[R] | None = None
        #: What is told of the end. The pool's future keeps its callbacks for good, so they must not hold this object.
        self._waiting: list[_Ended] = []
        wrapped_future.add_done_callback(partial(_tell, self._waiting))

    @property
    def task_run_id(self) -> str:
        """The run's id. In a flow that is tried again it may turn out to be that of an earlier attempt's run."""
        end = self._end
        return (end.state_details.task_run_id if end is not None else None) or self._task_run_id

    @property
    def state(self) -> State[R]:
        """The final state, or PENDING while the run has not ended."""
        if self._end is None:
            if not self._ending().done():
                return State(StateType.PENDING, state_details=self._details())
            self._end = self._final()
        return self._end

    def done(self) -> bool:
        """Say whether the run has ended, as far as is known here."""
        return self._ending().done()

    def wait(self, timeout: float | None = None) -> None:
        """Return when the run has ended, or after `timeout` seconds."""
        wait((self,), timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the task returned; raises as `State.result` does, and TimeoutError after `timeout` seconds."""
        self.wait(timeout)
        self._raise_unless_done(timeout)
        result: R = self.state.outcome(raise_on_failure)
        return result

    def add_done_callback(self, fn: "Callable[[AntiphonFuture[R]], None]") -> None:
        """Call `fn` with this future when the run has ended: at once if it has, else in the run's thread."""
        # Taken out as it is called: else the two futures would hold each other, and the result, in a cycle.
        once = [partial(fn, self)]
        self._ending().add_done_callback(lambda _: once.pop()())

    def _raise_unless_done(self, timeout: float | None) -> None:
        if not self._ending().done():
            raise TimeoutError(f"Task run {self.task_run_id} has not ended within {timeout} second(s).")

    def _ending(self) -> "concurrent.futures.Future[State[R]]":
        """What ends with the run; whoever asks is about to wait."""
        return self._running

    def _final(self) -> State[R]:
        if self._running.cancelled():
            message = "The task runner was shut down before the run began."
            return State(StateType.CANCELLED, message=message, state_details=self._details())
        error = self._running.exception()
        if error is None:
            return self._running.result()
        crashed = exception_to_crashed_state(error)
        crashed.state_details.task_run_id = self._task_run_id
        return crashed

    def _details(self) -> StateDetails:
        """Tell a state of this run from one that user code made."""
        return StateDetails(task_run_id=self._task_run_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.task_run_id!r}, {self.state})"


class AntiphonFutureList(list[AntiphonFuture[R]]):
    """The futures of a `map`."""

    def wait(self, timeout: float | None = None) -> None:
        """Return when all have ended, or after `timeout` seconds."""
        wait(self, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """Return all results in order; raises as the first one does, and TimeoutError after `timeout` seconds."""
        if wait(self, timeout).not_done:
            raise TimeoutError(f"Not all {len(self)} task runs have ended within {timeout} second(s).")
        return [future.result(raise_on_failure=raise_on_failure) for future in self]


@dataclass(frozen=True, slots=True)
class DoneAndNotDoneFutures(Generic[R]):
    """What `wait` found."""

    done: set[AntiphonFuture[R]]
    not_done: set[AntiphonFuture[R]]

    def __iter__(self) -> Iterator[set[AntiphonFuture[R]]]:
        return iter((self.done, self.not_done))


def wait(futures: Iterable[AntiphonFuture[R]], timeout: float | None = None) -> DoneAndNotDoneFutures[R]:
    """Return when all futures have ended, or after `timeout` seconds."""
    given = set(futures)
    not_done = {future for future in given if not future._ending().done()}
    if not_done:
        not_done.difference_update(_as_they_end(tuple(not_done), timeout))
    return DoneAndNotDoneFutures(given - not_done, not_done)


def as_completed(futures: Iterable[AntiphonFuture[R]], timeout: float | None = None) -> Iterator[AntiphonFuture[R]]:
    """Give the futures as they end. Raises TimeoutError after `timeout` seconds."""
    given = set(futures)
    left = len(given)
    for future in _as_they_end(given, timeout):
        left -= 1
        yield future
    if left:
        raise TimeoutError(f"{left} of {len(given)} task runs have not ended within {timeout} second(s).")


def _as_they_end(futures: Collection[AntiphonFuture[R]], timeout: float | None) -> Iterator[AntiphonFuture[R]]:
    """Give each future once, until all have ended or time is up."""
    left = {future._ending(): future for future in futures}
    deadline = None if timeout is None else time.monotonic() + timeout
    with _told_of(futures) as ended:
        while left:
            running = _next(ended, deadline)
            if running is None:
                return
            future = left.pop(running, None)
            if future is not None:
                yield future


@contextmanager
def _told_of(futures: Collection[AntiphonFuture[Any]]) -> Iterator[_Ended]:
    """A queue into which each of them is put that has ended, or ends inside the block; one may come twice."""
    ended: _Ended = Mailbox()
    try:
        for each in futures:
            each._waiting.append(ended)
            ending = each._ending()
            if ending.done():
                ended.put(ending)
        yield ended
    finally:
        for each in futures:
            with suppress(ValueError):  # an interrupt may have kept it out
                each._waiting.remove(ended)


def _tell(waiting: list[_Ended], running: "concurrent.futures.Future[Any]") -> None:
    for each in tuple(waiting):
        each.put(running)


def _next(ended: _Ended, deadline: float | None) -> "concurrent.futures.Future[Any] | None":
    """What ended; None once time is up. Where this thread is to be interrupted it wakes up, since nothing can be
    raised in it while it waits."""
    with awakened(lambda: ended.put(None)):
        while True:
            try:
                running = ended.get(timeout=None if deadline is None else max(deadline - time.monotonic(), 0))
            except queue.Empty:
                return None
            if running is not None:
                return running


def resolve_futures_to_results(expr: Any) -> Any:
    """Return what was given with results in place of the futures in it; raises as `result` does for one that failed."""

    def result(each: Upstream) -> Any:
        return each if isinstance(each, State) else each.result()

    return resolve(expr, result)


def resolve_futures_to_states(expr: Any) -> Any:
    """Wait for the futures in what is given, and return it with their final states in their places."""

    def state(each: Upstream) -> State:
        if isinstance(each, State):
            return each
        each.wait()
        return each.state

    return resolve(expr, state)
