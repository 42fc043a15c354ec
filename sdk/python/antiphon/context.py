"""What the code that runs now is part of: a flow run, a task run, and tags. Kept in context variables, so that threads
and coroutines started with a copied context see it too."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from antiphon.exceptions import MissingContextError
from antiphon.option_checks import all_tags, checked_tags

C = TypeVar("C", "FlowRunContext", "TaskRunContext")

_flow_run: ContextVar["FlowRunContext | None"] = ContextVar("antiphon_flow_run", default=None)
_task_run: ContextVar["TaskRunContext | None"] = ContextVar("antiphon_task_run", default=None)
_tags: ContextVar[frozenset[str]] = ContextVar("antiphon_tags", default=frozenset())


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True, eq=False)
class FlowRunContext:
    """A flow run in progress. `with context:` makes it the current one; inside, no task run is current.

    An object can be entered again only after it was left.
    """

    #: The Flow. Typed Any, as are the session and the task runner: those modules stand above this one.
    flow: Any
    flow_run_id: str
    flow_run_name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    start_time: datetime = field(default_factory=_now)
    #: When the run was meant to start; None where nobody said.
    expected_start_time: datetime | None = None
    #: 1 in the first attempt.
    run_count: int = 1
    tags: frozenset[str] = frozenset()
    task_runner: Any = None
    session: Any = None
    #: What stops the run (engine.scopes.RunScope).
    scope: Any = None
    retries: int = 0
    flow_name: str = ""
    flow_version: str | None = None
    parent_flow_run_id: str | None = None
    root_flow_run_id: str | None = None
    log_prints: bool = False
    #: How its result is kept, and those of its tasks that say nothing (result_options.ResultOptions).
    result_options: Any = None
    process: int = field(default_factory=os.getpid)
    #: The run as hooks get it (runs.FlowRun).
    flow_run: Any = None
    #: The run's pauses (engine.pauses.Pauses).
    pauses: Any = None
    #: Task key -> counts its runs in this attempt.
    dynamic_keys: dict[str, Iterator[int]] = field(default_factory=dict)
    #: Futures of what was submitted and has not ended; the run waits for them at its end.
    submitted: set[Any] = field(default_factory=set)
    #: What an earlier attempt of this run completed, and this one need not do again.
    reusable: dict[Any, Any] = field(default_factory=dict)
    _tokens: tuple[Token["FlowRunContext | None"], Token["TaskRunContext | None"]] | None = field(
        default=None, init=False, repr=False
    )

    @classmethod
    def get(cls) -> "FlowRunContext | None":
        """Return the flow run that the calling code is part of, or None."""
        return _flow_run.get()

    @classmethod
    def around(cls) -> "FlowRunContext | None":
        """Return the flow run that a run made here is part of: none in a forked child, see `_of_this_process`."""
        return _of_this_process(_flow_run.get())

    def next_key(self, task_key: str) -> int:
        """Return a number that no other call of this task has in this attempt, whatever thread it comes from."""
        return next(self.dynamic_keys.setdefault(task_key, itertools.count()))

    def __enter__(self) -> Self:
        if self._tokens is not None:
            raise RuntimeError("This flow run context is in use already.")
        self._tokens = (_flow_run.set(self), _task_run.set(None))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._tokens is not None:
            flow_token, task_token = self._tokens
            self._tokens = None
            _task_run.reset(task_token)
            _flow_run.reset(flow_token)


@dataclass(slots=True, kw_only=True, eq=False)
class TaskRunContext:
    """A task run in progress. `with context:` makes it the current one; the flow run around it stays current.

    An object can be entered again only after it was left.
    """

    #: The Task. Typed Any, since that module stands above this one.
    task: Any
    task_run_id: str
    task_run_name: str
    #: None for a task that is called outside of any flow.
    flow_run_id: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    #: What stops the run (engine.scopes.RunScope).
    scope: Any = None
    #: 1 in the first attempt.
    run_count: int = 1
    start_time: datetime = field(default_factory=_now)
    tags: frozenset[str] = frozenset()
    log_prints: bool = False
    #: How its result is kept (result_options.ResultOptions).
    result_options: Any = None
    process: int = field(default_factory=os.getpid)
    #: The run as hooks get it (runs.TaskRun).
    task_run: Any = None
    _token: Token["TaskRunContext | None"] | None = field(default=None, init=False, repr=False)

    @classmethod
    def get(cls) -> "TaskRunContext | None":
        """Return the task run that the calling code is part of, or None."""
        return _task_run.get()

    @classmethod
    def around(cls) -> "TaskRunContext | None":
        """Return the task run that a run made here is part of: none in a forked child, see `_of_this_process`."""
        return _of_this_process(_task_run.get())

    def __enter__(self) -> Self:
        if self._token is not None:
            raise RuntimeError("This task run context is in use already.")
        self._token = _task_run.set(self)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            token, self._token = self._token, None
            _task_run.reset(token)


def _of_this_process(context: C | None) -> C | None:
    """Return the context, or None in a forked child: its runs are its own, since a run does not go on in two
    processes."""
    return context if context is not None and context.process == os.getpid() else None


def get_run_context() -> FlowRunContext | TaskRunContext:
    """Return the innermost run that the calling code is part of. Raises MissingContextError outside of any."""
    context = _task_run.get() or _flow_run.get()
    if context is None:
        raise MissingContextError(
            "There is no flow run or task run in progress here. Call this from inside a flow or a task, and start "
            "threads of your own with `contextvars.copy_context().run(...)` so that they know the run."
        )
    return context


def current_tags() -> frozenset[str]:
    """Return the tags that runs made here get on top of their own."""
    return _tags.get()


@contextmanager
def tags(*new_tags: str) -> Iterator[set[str]]:
    """Give these tags to every flow run and task run that is made inside the `with` block, and yield all that hold.

    Raises TypeError where a tag is not text, ValueError where the contract forbids it, or where there are too many.
    """
    token = _tags.set(frozenset(all_tags(_tags.get(), checked_tags(new_tags))))
    try:
        yield set(_tags.get())
    finally:
        _tags.reset(token)
