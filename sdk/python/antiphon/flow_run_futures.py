"""Futures of flow runs, whichever process they run in. The server tells of the end; all who wait share one thread."""

import asyncio
import concurrent.futures
import importlib
import os
import threading
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar
from uuid import UUID

from antiphon.exceptions import AntiphonException
from antiphon.run_futures import AntiphonFuture
from antiphon.state_core import State

R = TypeVar("R")

__all__ = ["AntiphonFlowRunFuture"]

#: Loaded by name at the first future: what calls the server takes long to import.
_WAITING_MODULE, _CLIENT_MODULE = "antiphon.flow_run_waiting", "antiphon.shared_client"


class AntiphonFlowRunFuture(AntiphonFuture[R]):
    """A flow run, by its id. It ends with the run, whatever the run's end is."""

    def __init__(self, flow_run_id: UUID | str) -> None:
        """Raises ServerUnreachable where no server can be had."""
        self._flow_run_id = str(flow_run_id)
        self._client: Any = importlib.import_module(_CLIENT_MODULE).shared_client()
        super().__init__("", _in_background(self._ended()))

    @property
    def flow_run_id(self) -> str:
        """The run's id."""
        return self._flow_run_id

    async def _ended(self) -> State[R]:
        waiting = importlib.import_module(_WAITING_MODULE)
        run = await waiting.wait_for_flow_run(self.flow_run_id, timeout=None, client=self._client)
        return self._of_this_run(run.state)

    @property
    def state(self) -> State[R]:
        """The state that the run is in. Raises ObjectNotFound for an unknown run, ServerError."""
        if not self._running.done():
            waiting = importlib.import_module(_WAITING_MODULE)
            return self._of_this_run(waiting.flow_run_state(self._client, self.flow_run_id))
        return self._final()

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the flow returned, where that was kept; raises as `State.result` does, TimeoutError after
        `timeout` seconds, ObjectNotFound for an unknown run."""
        return super().result(timeout, raise_on_failure)

    async def wait_async(self, timeout: float | None = None) -> None:
        """As `wait`, without blocking the event loop."""
        await asyncio.wait((asyncio.wrap_future(self._running),), timeout=timeout)

    async def aresult(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """As `result`, without blocking the event loop."""
        await self.wait_async(timeout)
        self._raise_unless_done(timeout)
        result: R = await self.state.aresult(raise_on_failure=raise_on_failure)  # type: ignore[assignment]
        return result

    def _raise_unless_done(self, timeout: float | None) -> None:
        if not self._running.done():
            raise TimeoutError(f"Flow run {self.flow_run_id} has not ended within {timeout} second(s).")

    def _final(self) -> State[R]:
        error = self._running.exception()
        if isinstance(error, AntiphonException):
            # It says nothing of the run.
            raise error
        return super()._final()

    def _of_this_run(self, state: State[R]) -> State[R]:
        state.state_details.flow_run_id = self.flow_run_id
        return state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.flow_run_id!r})"


_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def _in_background(work: Coroutine[Any, Any, Any]) -> "concurrent.futures.Future[Any]":
    """Has it done in the thread of all who wait; as nobody's part, since it may outlast the run that asks."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="antiphon-waiting", daemon=True).start()
        return Context().run(asyncio.run_coroutine_threadsafe, work, _loop)


def _forget() -> None:
    """In a forked child that thread does not live on."""
    global _lock, _loop
    _lock, _loop = threading.Lock(), None


os.register_at_fork(after_in_child=_forget)
