"""What task runners have in common whose tasks run in other processes."""

import asyncio
import os
import threading
from abc import abstractmethod
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future, wait
from typing import Any

from antiphon.context import FlowRunContext
from antiphon.engine.drivers import adrive
from antiphon.engine.run_task import withdraw
from antiphon.engine.task_life import TaskCall, task_life
from antiphon.engine.upstream import plain
from antiphon.exceptions import SerializationError
from antiphon.futures import AntiphonFuture
from antiphon.runners.base import NOT_STARTED, TaskRunner
from antiphon.runners.elsewhere import Sending
from antiphon.runners.errand import Errand, Parcel
from antiphon.runners.luggage import pack_flow, pack_parameters, pack_task
from antiphon.state_core import State


class RemoteTaskRunner(TaskRunner):
    """Has tasks run in other processes. Results and states come back; what user code changes there stays there.

    A runner of your own says in `send` how a parcel gets to `antiphon.runners.worker.carry_out` in another process, and
    how its answer comes back.
    """

    #: The attempt of a flow run whose facts were packed last, and these.
    _packed: tuple[FlowRunContext, int, bytes] | None = None

    @property
    @abstractmethod
    def is_started(self) -> bool:
        """Whether the `with` block was entered and not left."""

    @abstractmethod
    def send(self, parcel: Parcel) -> Errand:
        """Send it off, and return at once. Called in the thread of an event loop, so it must not block."""

    def submit(
        self,
        task: Any,
        parameters: dict[str, Any],
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, Iterable[Any]] | None = None,
    ) -> AntiphonFuture[Any]:
        """Arguments are pickled here and now, those that come from other runs when these have ended. Where that cannot
        be done the run fails and says which one it was. Raises RuntimeError where the runner is not started."""
        if not self.is_started:
            raise RuntimeError(NOT_STARTED)
        return super().submit(task, parameters, wait_for, dependencies)

    def begin(self, call: TaskCall) -> Future[State]:
        """One loop's thread serves all calls, however many wait."""
        sending = self._sending(call)
        if call.may_be_announced and call.opening:
            opening, call.opening = call.opening, ()
            sending.tickets = call.session.submit(*opening)
        call.elsewhere = sending
        try:
            future = _run_in_loop(adrive(task_life(call), call.session))
        except BaseException as error:
            withdraw(call, bool(sending.tickets), error)
            raise
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return future

    def drain(self) -> None:
        """Wait for what was submitted; call it first as the `with` block is left without an exception. Flows have done
        so before."""
        wait(list(self._begun))

    @property
    def _begun(self) -> set[Future[State]]:
        begun: set[Future[State]] = vars(self).setdefault("_begun_futures", set())
        return begun

    def _sending(self, call: TaskCall) -> Sending:
        sending = Sending(self.send, self._flow_facts(), None, None, None, [])
        try:
            sending.task = pack_task(call.task)
            if not call.upstream:
                sending.parameters = pack_parameters(plain(call.parameters))
        except SerializationError as error:
            sending.problem = error
        return sending

    def _flow_facts(self) -> bytes | None:
        flow = FlowRunContext.around()
        if flow is None:
            return None
        packed = self._packed
        if packed is None or packed[0] is not flow or packed[1] != flow.run_count:
            packed = self._packed = (flow, flow.run_count, pack_flow(flow))
        return packed[2]


_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def _run_in_loop(life: Coroutine[Any, Any, State]) -> Future[State]:
    """Has it run in this process's loop for such lives, in a copy of the calling code's context."""
    future: Future[State] = Future()

    def begin() -> None:
        # The loop itself keeps only weak references to its tasks.
        task = asyncio.ensure_future(_fulfil(future, life))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    try:
        _running_loop().call_soon_threadsafe(begin)
    except BaseException:
        life.close()
        raise
    return future


_tasks: set["asyncio.Future[None]"] = set()


async def _fulfil(future: Future[State], life: Coroutine[Any, Any, State]) -> None:
    try:
        state = await life
    except BaseException as error:  # noqa: BLE001 - the future carries it
        future.set_exception(error)
    else:
        future.set_result(state)


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="antiphon-remote-tasks", daemon=True).start()
            _loop = loop
        return _loop


def _forget() -> None:
    """In a forked child the loop's thread is not there; its runs are the parent's."""
    global _lock, _loop
    _lock = threading.Lock()
    _loop = None


os.register_at_fork(after_in_child=_forget)
