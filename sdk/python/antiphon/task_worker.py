"""Task workers: processes that run what `Task.delay` queues."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from antiphon.async_code import in_async_code
from antiphon.background_parameters import read_parameters, should_try_to_read_parameters, store_parameters
from antiphon.engine.scopes import in_loop
from antiphon.engine.taken_runs import TakenRun
from antiphon.exceptions import AntiphonException
from antiphon.logging import setup_logging
from antiphon.option_checks import checked_limit
from antiphon.server_address import connect_target
from antiphon.session.registry import get_session
from antiphon.session.session import STARTUP_TIMEOUT
from antiphon.session.task_feed import TaskFeed
from antiphon.settings import get_current_settings
from antiphon.stop_signals import stopped_by_signals
from antiphon.task_worker_status import create_status_server
from antiphon.tasks import Task
from antiphon.v1 import task_run_pb2

__all__ = [
    "StopTaskWorker",
    "TaskWorker",
    "aserve",
    "create_status_server",
    "read_parameters",
    "serve",
    "should_try_to_read_parameters",
    "store_parameters",
]

#: Seconds that runs get to end by themselves when the worker is told to stop; less than Kubernetes gives a container.
GRACE = 25.0
#: Seconds that code gets to clean up which was interrupted because its time was over, and the server to hear of it.
_CLEAN_UP = 5.0

logger = logging.getLogger("antiphon.task_worker")


class StopTaskWorker(Exception):
    """Raised inside of `async with worker:` to leave the block and have the worker stop, in peace."""


class TaskWorker:
    """Runs what is queued for some tasks, in this process, at most `limit` at a time."""

    def __init__(self, *tasks: Task[..., Any], limit: int | None = 10) -> None:
        """`limit` None is no bound. Raises ValueError without tasks, TypeError for what is no task."""
        self.tasks = _checked(tasks)
        self.task_keys = {task.task_key for task in self.tasks}
        self.limit = checked_limit(limit)
        #: When the worker started; None unless it is running.
        self.started_at: datetime | None = None
        self.stopping = False
        #: Task key -> run -> since when it is here.
        self.in_flight_task_runs: dict[str, dict[UUID, datetime]] = {key: {} for key in self.task_keys}
        #: Task key -> how many runs were here.
        self.finished_task_runs: dict[str, int] = dict.fromkeys(self.task_keys, 0)
        self._by_key = {task.task_key: task for task in self.tasks}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room: asyncio.Semaphore | None = None
        self._feed: TaskFeed | None = None
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._taken: dict[asyncio.Task[None], TakenRun] = {}
        #: The same by the run. One may be offered again, to be tried once more, before its last time here is over.
        self._by_run: dict[UUID, TakenRun] = {}
        self._failure: AntiphonException | None = None

    @property
    def client_id(self) -> str:
        """Host and process, for people."""
        return f"{socket.gethostname()}-{os.getpid()}"

    @property
    def started(self) -> bool:
        """Whether the worker is running."""
        return self.started_at is not None

    @property
    def current_tasks(self) -> int:
        """How many runs are here."""
        return sum(map(len, self.in_flight_task_runs.values()))

    @property
    def available_tasks(self) -> int | None:
        """How many more would find room; None where there is no bound."""
        return None if self.limit is None else max(self.limit - self.current_tasks, 0)

    def start(self, timeout: float | None = None) -> Any:
        """Run what is queued until the worker is stopped, by `stop`, SIGINT or SIGTERM, or for `timeout` seconds.

        In async code it gives a coroutine. Raises as `astart`.
        """
        return self.astart(timeout) if in_async_code() else asyncio.run(self.astart(timeout))

    async def astart(self, timeout: float | None = None) -> None:
        """As `start`, in async code.

        Raises ServerUnreachable where no server is found at the beginning, RuntimeError for a worker that runs.
        """
        async with self:
            try:
                async with asyncio.timeout(timeout) as limit:
                    await self._stop.wait()
            except TimeoutError:
                if not limit.expired():
                    raise
                logger.info("Task worker stops after %g s, as it was asked to", timeout)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Have a running worker take no more runs, and end when those that it has have ended. Safe in any thread.

        Runs that take longer than 25 seconds are given to other workers. Raises RuntimeError for one that does not run.
        """
        if self._loop is None:
            raise RuntimeError("The task worker is not running, so it cannot be stopped.")
        in_loop(self._loop, self._told_to_stop)

    async def astop(self) -> None:
        """As `stop`."""
        self.stop()

    def handle_sigterm(self, signum: int, frame: object) -> None:
        """Do what `stop` does; for programs that handle signals themselves."""
        self.stop()

    async def execute_task_run(self, task_run: task_run_pb2.TaskRun) -> None:
        """Run one queued run here and now, as `TaskRunService` gives it. Raises ValueError for one of a task that is
        not served."""
        if task_run.task_key not in self._by_key:
            raise ValueError(f"This worker serves {', '.join(sorted(self.task_keys))}, not {task_run.task_key}.")
        self._room = self._room or self._new_room()
        await self._run(TakenRun(self._by_key[task_run.task_key], task_run, get_session()), lambda: None)

    async def __aenter__(self) -> Self:
        if self.started:
            raise RuntimeError("The task worker is running already.")
        setup_logging()
        get_session()  # Raises for settings that cannot be.
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._failure, self.stopping = None, False
        self._loop, self._room = asyncio.get_running_loop(), self._new_room()
        self.started_at = datetime.now(UTC)
        self._feed = TaskFeed(
            partial(connect_target, get_current_settings()),
            self.task_keys,
            self.limit,
            startup_timeout=STARTUP_TIMEOUT,
            offered=partial(in_loop, self._loop, self._take),
            ready=self._say_ready,
            failed=partial(in_loop, self._loop, self._fail),
        )
        self._signals = ExitStack()
        self._signals.enter_context(stopped_by_signals(self._loop, self._told_to_stop))
        self._feed.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.stopping = True
        try:
            await self._finish()
        finally:
            self._signals.close()
            self.started_at = self._loop = None
        return isinstance(error, StopTaskWorker)

    # In the loop

    def _new_room(self) -> asyncio.Semaphore | None:
        return None if self.limit is None else asyncio.Semaphore(self.limit)

    def _told_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
            return
        if self.current_tasks:
            logger.info("Task worker stops when its %d runs have ended; once more to stop now", self.current_tasks)
        self._stop.set()

    def _fail(self, error: AntiphonException) -> None:
        self._failure = error
        self._stop.set()

    def _say_ready(self) -> None:
        names = ", ".join(sorted(task.name for task in self.tasks))
        logger.info("Task worker serves %s, %s at a time", names, self.limit or "any number")

    def _take(self, offered: task_run_pb2.TaskRun) -> None:
        if self.stopping or self._stop.is_set():
            return  # It is not claimed, so others get it.
        assert self._feed is not None
        task = self._by_key.get(offered.task_key)
        if task is None:
            logger.error("The server offers a run of %s, which is not served here", offered.task_key)
            self._feed.give_back()
            return
        taken = TakenRun(task, offered, get_session())
        running = asyncio.ensure_future(self._run(taken, self._feed.give_back))
        self._taken[running] = taken
        running.add_done_callback(self._taken.pop)

    async def _run(self, taken: TakenRun, give_back: Any) -> None:
        """One run, whose failure is its own and not the worker's."""
        key, run_id = taken.offered.task_key, UUID(taken.offered.id)
        earlier = self._by_run.get(run_id)
        if earlier is not None and earlier.offered.state.id == taken.offered.state.id:
            give_back()  # A server that has begun anew did not know that it is here.
            return
        given = False

        def give_back_once() -> None:
            nonlocal given
            if not given:
                given = True
                give_back()

        self._by_run[run_id] = taken
        self.in_flight_task_runs[key][run_id] = taken.start_time
        taken.session.set_run_handler(taken.offered.id, taken.obey)
        try:
            await taken.live(self._room, give_back_once)
        except asyncio.CancelledError:
            logger.info("Task run %s does not begin, since the worker ends", taken.offered.id)
        except BaseException as error:
            logger.error("Task run %s has crashed: %r", taken.offered.id, error, exc_info=error)
        finally:
            if self._by_run.get(run_id) is taken:
                del self._by_run[run_id]
                taken.session.remove_run_handler(taken.offered.id)
                self.in_flight_task_runs[key].pop(run_id, None)
            self.finished_task_runs[key] += 1
            give_back_once()

    async def _finish(self) -> None:
        assert self._feed is not None
        self._feed.stop()
        await self._until_idle(GRACE, self._hurry.wait())
        for running, taken in list(self._taken.items()):
            logger.warning("Task run %s goes to another worker: this one ends", taken.offered.id)
            taken.give_back()
            if taken.call is None:
                running.cancel()
        await self._until_idle(_CLEAN_UP)
        flushed = await asyncio.to_thread(get_session().flush, _CLEAN_UP)
        if not flushed:
            logger.warning("The server has not heard of the last runs' ends; they are told when the process ends")

    async def _until_idle(self, seconds: float, *others: Coroutine[Any, Any, Any]) -> None:
        """Until no run is here, but no longer than so many seconds, nor than one of the others takes."""
        if not self._taken:
            for other in others:
                other.close()
            return
        idle = asyncio.ensure_future(asyncio.wait(list(self._taken)))
        rest = [asyncio.ensure_future(other) for other in others]
        await asyncio.wait([idle, *rest], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in (idle, *rest):
            each.cancel()


async def aserve(
    *tasks: Task[..., Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> None:
    """As `serve`, in async code."""
    worker = TaskWorker(*tasks, limit=limit)
    with ExitStack() as stack:
        if status_server_port is not None:
            stack.enter_context(_served(worker, status_server_port))
        await worker.astart(timeout)


def serve(
    *tasks: Task[..., Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> Any:
    """Run what is queued for these tasks, in this process, until it is told to stop by SIGINT or SIGTERM.

    At most `limit` runs at a time; None is no bound. With a `status_server_port`, http://127.0.0.1:<port>/status says
    what the worker does; 0 takes a free port. With a `timeout`, it stops after so many seconds. In async code it gives
    a coroutine.
    Raises ValueError without tasks, TypeError for what is no task, ServerUnreachable where no server is found, OSError
    where the port is taken.
    """
    serving = aserve(*tasks, limit=limit, status_server_port=status_server_port, timeout=timeout)
    return serving if in_async_code() else asyncio.run(serving)


@contextmanager
def _served(worker: TaskWorker, port: int) -> Iterator[None]:
    server = create_status_server(worker, port)
    thread = threading.Thread(target=server.serve_forever, name="antiphon-status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _checked(tasks: tuple[Any, ...]) -> list[Task[..., Any]]:
    if not tasks:
        raise ValueError("There is no task to serve. Name at least one: `serve(my_task)`.")
    by_key: dict[str, Task[..., Any]] = {}
    for task in tasks:
        if not isinstance(task, Task):
            hint = ""
            if isinstance(task, list | tuple):
                hint = " Put a star before a list: `serve(*tasks)`."
            elif callable(task):
                hint = " Put @task above the function. Flows are served by `serve` of antiphon.flows."
            raise TypeError(f"A task worker serves tasks, not {type(task).__name__}: {task!r}.{hint}")
        other = by_key.setdefault(task.task_key, task)
        if other is not task:
            raise ValueError(
                f"Two of the tasks are known as {task.task_key!r}, so their runs could not be told apart. Serve one of "
                "them, or make them of functions with names of their own."
            )
    return list(by_key.values())
