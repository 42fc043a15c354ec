"""What every task runner does, wherever its tasks run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any, Self

from antiphon.context import FlowRunContext
from antiphon.engine.run_task import announce, prepare, run_in_thread, withdraw
from antiphon.engine.task_life import TaskCall
from antiphon.engine.upstream import listed
from antiphon.exceptions import RunCancelled
from antiphon.futures import AntiphonFuture, AntiphonFutureList
from antiphon.mapping import mapped_parameters
from antiphon.runners.dependencies import note_dependencies
from antiphon.state_core import State


class TaskRunner(ABC):
    """Runs tasks that a flow submits, from the entry of its `with` block to the end. One object serves one run at a
    time; each flow run takes a duplicate.

    A runner of your own says in `start` where runs go, and how that opens and closes.
    """

    @property
    def name(self) -> str:
        """The class's name in lower case and without its ending: `threadpool`."""
        return type(self).__name__.lower().replace("taskrunner", "")

    @abstractmethod
    def duplicate(self) -> Self:
        """Return a runner with the same options, not started."""

    def start(self, run: Callable[[], State]) -> Future[State]:
        """Have `run` called once, in any thread of this process, and return at once; the future gets what it returns
        or raises. What this raises says that `run` will not be called, and is raised in the code that submits."""
        raise NotImplementedError(f"{type(self).__name__} does not say where runs go: give it a method `start(run)`.")

    def submit(
        self,
        task: Any,
        parameters: dict[str, Any],
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, Iterable[Any]] | None = None,
    ) -> AntiphonFuture[Any]:
        """Start a run of `task` and return at once. The flow that it is submitted in ends after it.

        `dependencies` names runs that the parameters come from beyond those whose futures are among them, for people
        to look at: parameter -> task runs or their ids.
        """
        call = prepare(task, parameters, wait_for)
        if dependencies:
            note_dependencies(call, dependencies)
        running = self.begin(call)
        live, run_id = self._live, call.run.id
        live[run_id] = call
        # The pool's future keeps its callbacks for good, so they must not hold the call.
        running.add_done_callback(lambda _: live.pop(run_id, None))
        future: AntiphonFuture[Any] = AntiphonFuture(run_id, running)
        flow = FlowRunContext.around()
        if flow is not None:
            flow.submitted.add(future)
            # One that has ended may be as large as its result is.
            future.add_done_callback(flow.submitted.discard)
        return future

    def begin(self, call: TaskCall) -> Future[State]:
        """Have the call of a task brought to its end; the future gets the run's final state. As `start` otherwise."""
        announced = announce(call)
        try:
            return self.start(partial(copy_context().run, run_in_thread, call))
        except BaseException as error:
            withdraw(call, announced, error)
            raise

    def map(
        self, task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> AntiphonFutureList[Any]:
        """Start a run for each element of the iterables among the parameters.

        Raises MappingLengthMismatch where they differ in length, MappingMissingIterable where there is none.
        """
        waited = listed(wait_for)
        return AntiphonFutureList(self.submit(task, each, waited) for each in mapped_parameters(task.fn, parameters))

    def cancel_all(self) -> None:
        """Stop every run that was submitted here and has not ended: they end Cancelled."""
        for call in list(self._live.values()):
            call.scope.stop(RunCancelled, "The task runner was told to cancel all runs.")

    @property
    def _live(self) -> dict[str, TaskCall]:
        """Run id -> the call, until it has ended. Made at first use: a class of somebody's own need not call our
        constructor."""
        live: dict[str, TaskCall] = vars(self).setdefault("_live_calls", {})
        return live

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def check_max_workers(max_workers: int | None) -> int | None:
    """Return it. Raises ValueError where it is no number of workers."""
    if max_workers is not None and (
        isinstance(max_workers, bool) or not isinstance(max_workers, int) or max_workers < 1
    ):
        raise ValueError(f"max_workers is {max_workers}; give 1 or more, or None for no bound.")
    return max_workers


NOT_STARTED = "The task runner is not started. Submit tasks from inside a flow, or use `with runner:`."
