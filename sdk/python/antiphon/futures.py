"""Futures of task runs, as `Task.submit` and `Task.map` give them."""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from antiphon.collections_visit import Upstream, resolve
from antiphon.state_core import State, StateType
from antiphon.state_rules import exception_to_crashed_state

R = TypeVar("R")

__all__ = [
    "AntiphonFuture",
    "AntiphonFutureList",
    "DoneAndNotDoneFutures",
    "as_completed",
    "resolve_futures_to_results",
    "wait",
]


class AntiphonFuture(Generic[R]):
    """A task run that was submitted. It ends with the run, whatever the run's end is."""

    def __init__(self, task_run_id: str, running: "concurrent.futures.Future[State[R]]") -> None:
        self._task_run_id = task_run_id
        self._running = running
        self._end: State[R] | None = None

    @property
    def task_run_id(self) -> str:
        """The run's id. In a flow that is tried again it may turn out to be that of an earlier attempt's run."""
        end = self._end
        return (end.state_details.task_run_id if end is not None else None) or self._task_run_id

    @property
    def state(self) -> State[R]:
        """The final state, or PENDING while the run has not ended."""
        if self._end is None:
            if not self._running.done():
                return State(StateType.PENDING)
            self._end = self._final()
        return self._end

    def wait(self, timeout: float | None = None) -> None:
        """Return when the run has ended, or after `timeout` seconds."""
        concurrent.futures.wait([self._running], timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the task returned; raises as `State.result` does, and TimeoutError after `timeout` seconds."""
        self.wait(timeout)
        if not self._running.done():
            raise TimeoutError(f"Task run {self.task_run_id} has not ended within {timeout} second(s).")
        result: R = self.state.result(raise_on_failure=raise_on_failure)  # type: ignore[assignment]
        return result

    def add_done_callback(self, fn: "Callable[[AntiphonFuture[R]], None]") -> None:
        """Call `fn` with this future when the run has ended: at once if it has, else in the run's thread."""
        self._running.add_done_callback(lambda _: fn(self))

    def _final(self) -> State[R]:
        if self._running.cancelled():
            return State(StateType.CANCELLED, message="The task runner was shut down before the run began.")
        error = self._running.exception()
        return self._running.result() if error is None else exception_to_crashed_state(error)

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
    of_run = {future._running: future for future in futures}
    done, not_done = concurrent.futures.wait(of_run, timeout)
    return DoneAndNotDoneFutures({of_run[each] for each in done}, {of_run[each] for each in not_done})


def as_completed(futures: Iterable[AntiphonFuture[R]], timeout: float | None = None) -> Iterator[AntiphonFuture[R]]:
    """Give the futures as they end. Raises TimeoutError after `timeout` seconds."""
    of_run = {future._running: future for future in futures}
    for running in concurrent.futures.as_completed(of_run, timeout):
        yield of_run[running]


def resolve_futures_to_results(value: Any) -> Any:
    """Return the value with results in place of the futures in it; raises as `result` does for one that failed."""

    def result(each: Upstream) -> Any:
        return each if isinstance(each, State) else each.result()

    return resolve(value, result)
