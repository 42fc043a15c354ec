"""Futures of task runs that run anywhere: the server tells when they have ended."""

import asyncio
import concurrent.futures
import copy
import os
import threading
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from antiphon.engine.drivers import adrive
from antiphon.engine.effects import Await, Life
from antiphon.engine.scopes import RunScope, scope_around
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.run_futures import AntiphonFuture
from antiphon.session.registry import get_run_ends
from antiphon.session.ticket import Ticket
from antiphon.shared_client import shared_client
from antiphon.state_core import State, StateType
from antiphon.state_protos import from_proto
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import GetTaskRunRequest

R = TypeVar("R")

__all__ = ["AntiphonDistributedFuture"]


class AntiphonDistributedFuture(AntiphonFuture[R]):
    """A task run that runs anywhere, such as in a task worker. Made of its id, in any process; it can be pickled.

    Nothing is asked of the server before somebody waits. One stream of this process serves all such futures.
    """

    def __init__(self, task_run_id: str | UUID, *, created: Ticket | None = None) -> None:
        """`created` is for `Task.delay`: the frame that makes the run, where it may still be on its way."""
        self._created = created
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._watched = False
        super().__init__(str(task_run_id), concurrent.futures.Future())

    @property
    def state(self) -> State[R]:
        """The state that the run has now, read from the server unless the run has ended; PENDING where the server does
        not know it yet. Raises ServerUnreachable."""
        if self._end is None:
            if self._running.done():
                self._end = self._final()
            else:
                held = self._read_state()
                if not held.is_final():
                    return held
                self._end = held
        return self._end

    async def wait_async(self, timeout: float | None = None) -> None:
        """Return when the run has ended, or after `timeout` seconds, without blocking the event loop."""
        try:
            async with asyncio.timeout(timeout) as limit:
                await adrive(_until_ended(self), None)
        except TimeoutError:
            if not limit.expired():
                raise

    async def result_async(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the task returned, without blocking the event loop; raises as `result` does."""
        await self.wait_async(timeout)
        self._raise_unless_done(timeout)
        result: R = await self.state.aresult(raise_on_failure=raise_on_failure)  # type: ignore[assignment]
        return result

    def _ending(self) -> "concurrent.futures.Future[State[R]]":
        with self._lock:
            if self._process != os.getpid():
                # Whoever would have been told is not in this forked child.
                self._process, self._watched = os.getpid(), False
                if not self._running.done():
                    self._renew()
            begins, self._watched = not self._watched, True
        if begins and self._end is None:
            self._begin()
        return self._running

    def _renew(self) -> None:
        super().__init__(self._task_run_id, concurrent.futures.Future())

    def _begin(self) -> None:
        if self._created is None:
            self._watch()
        else:
            self._created.add_done_callback(self._was_created)

    def _was_created(self, ticket: Ticket) -> None:
        try:
            ticket.result()
        except AntiphonException as error:
            self._running.set_exception(error)
        else:
            self._watch()

    def _watch(self) -> None:
        ending: concurrent.futures.Future[TaskRun] = concurrent.futures.Future()
        ending.add_done_callback(partial(_settle, self._running))
        while not get_run_ends().watch(self._task_run_id, ending):
            pass  # that one had just ended; the next one is new

    def _read_state(self) -> State[R]:
        if self._created is not None and not self._created.done():
            return State(StateType.PENDING, state_details=self._details())
        client = shared_client()
        try:
            run = client.call(client.task_runs.GetTaskRun, GetTaskRunRequest(id=self._task_run_id)).task_run
        except ObjectNotFound:
            return State(StateType.PENDING, state_details=self._details())
        return _state_of(run)

    def _final(self) -> State[R]:
        """Raises where it will never be known here how the run ended."""
        error = self._running.exception()
        if error is not None:
            raise copy.copy(error)
        return self._running.result()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._task_run_id,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AntiphonDistributedFuture):
            return NotImplemented
        return self._task_run_id == other._task_run_id

    def __hash__(self) -> int:
        return hash(self._task_run_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._task_run_id!r})"


def _until_ended(future: AntiphonDistributedFuture[Any]) -> Life:
    """In a run that is stopped the wait is cut short."""
    yield Await([future], scope_around() or RunScope())


def _settle(running: "concurrent.futures.Future[State[Any]]", ending: "concurrent.futures.Future[TaskRun]") -> None:
    error = ending.exception()
    if error is None:
        try:
            running.set_result(_state_of(ending.result()))
            return
        except AntiphonException as problem:  # a state that this release does not know
            error = problem
    running.set_exception(error)


def _state_of(run: TaskRun) -> State[Any]:
    if not run.HasField("state"):
        return State(StateType.PENDING)
    return from_proto(run.state, task_run_id=run.id, flow_run_id=run.flow_run_id or None)
