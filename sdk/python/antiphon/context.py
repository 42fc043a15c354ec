"""What the code that runs now is part of: a flow run, a task run, and tags. Kept in context variables, so that threads
and coroutines started with a copied context see it too."""

import importlib
import itertools
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import Context, ContextVar, Token, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import update_wrapper
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from antiphon.exceptions import MissingContextError
from antiphon.option_checks import all_tags, checked_tags
from antiphon.settings.current import (
    SettingsContext,
    get_settings_context,
    refresh_global_settings_context,
    root_settings_context,
    use_profile,
)

__all__ = [
    "EngineContext",
    "FlowRunContext",
    "RunContext",
    "SettingsContext",
    "TaskRunContext",
    "current_tags",
    "get_run_context",
    "get_settings_context",
    "hydrated_context",
    "refresh_global_settings_context",
    "root_settings_context",
    "serialize_context",
    "tags",
    "use_profile",
    "with_context",
]

C = TypeVar("C", "FlowRunContext", "TaskRunContext")
R = TypeVar("R")

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
    #: The deployment that the run came from (deployed_code.DeploymentFacts); None where somebody called the flow.
    deployment: Any = None
    #: Stands before the keys that `next_key` gives, where several processes count runs of one flow run.
    key_prefix: str = ""
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


class RunsAround:
    """The runs that the calling code is part of as the `with` block begins are the current ones as it ends, whatever
    came between."""

    __slots__ = ("_flow_run", "_task_run")

    def __enter__(self) -> None:
        self._flow_run, self._task_run = _flow_run.get(), _task_run.get()

    def __exit__(self, *_: object) -> None:
        if _task_run.get() is not self._task_run:
            _task_run.set(self._task_run)
        if _flow_run.get() is not self._flow_run:
            _flow_run.set(self._flow_run)


#: Prefect's other names of the same.
EngineContext = FlowRunContext
RunContext = FlowRunContext | TaskRunContext


def _of_this_process(context: C | None) -> C | None:
    """Return the context, or None in a forked child: its runs are its own, since a run does not go on in two
    processes."""
    return context if context is not None and context.process == os.getpid() else None


def get_run_context() -> FlowRunContext | TaskRunContext:
    """Return the innermost run that the calling code is part of. Raises MissingContextError outside of any."""
    context = _task_run.get() or _flow_run.get()
    if context is None:
        raise MissingContextError(
            "There is no flow run or task run in progress here. Call this from inside a flow or a task, and give "
            "threads and processes of your own `antiphon.context.with_context(function)`, so that they know the run."
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


def serialize_context() -> dict[str, Any]:
    """Return what `hydrated_context` needs in another process: facts of the runs here, tags and settings.

    It can be pickled: parameters that cannot are left out, and so are the functions of flow and task.
    """
    flow_run, task_run = _flow_run.get(), _task_run.get()
    return {
        "flow_run_context": None if flow_run is None else _facts(flow_run, _FLOW_RUN_FACTS),
        "task_run_context": None
        if task_run is None
        else {**_facts(task_run, _TASK_RUN_FACTS), "task": _Named(getattr(task_run.task, "name", ""))},
        "tags_context": {"current_tags": sorted(_tags.get())},
        "settings_context": get_settings_context().settings,
    }


@contextmanager
def hydrated_context(serialized_context: dict[str, Any] | None = None, client: Any = None) -> Iterator[None]:
    """Inside the `with` block the runs are current that `serialize_context` found, so that `get_run_logger()`,
    `antiphon.runtime` and settings are theirs; nothing changes for None.

    A flow or task that is called inside is a run of its own and not part of those, which go on where they are.
    `client` has no effect: the server is the one of the settings.
    """
    if serialized_context is None:
        yield
        return
    flow_run, task_run = serialized_context["flow_run_context"], serialized_context["task_run_context"]
    with ExitStack() as stack:
        stack.enter_context(SettingsContext(serialized_context["settings_context"]))
        _have_logs_sent()
        stack.enter_context(tags(*serialized_context["tags_context"]["current_tags"]))
        if flow_run is not None:
            stack.enter_context(FlowRunContext(flow=None, process=_ELSEWHERE, **flow_run))
        if task_run is not None:
            stack.enter_context(TaskRunContext(process=_ELSEWHERE, **task_run))
        yield


def _have_logs_sent() -> None:
    """What the first run of a process does for its logs: here there may be none."""
    # Loaded by name: both stand above this module, and only processes that others start come here.
    importlib.import_module("antiphon.session.registry")
    importlib.import_module("antiphon.logging.configuration").setup_logging()


def with_context(fn: Callable[..., R]) -> Callable[..., R]:
    """Return `fn` so that, called in another thread or process, it is part of the runs that are current here.

    For pools of user code: `pool.map(with_context(work), items)`. In threads it is all that a copied context is; in
    other processes what `hydrated_context` says, and `fn` must be one that can be pickled.
    """
    return _WithContext(fn)


class _WithContext(Generic[R]):
    """Holds the context for threads, and facts of it once it was pickled."""

    def __init__(self, function: Callable[..., R]) -> None:
        update_wrapper(self, function)
        self._function = function
        self._here: Context | None = copy_context()
        self._facts: dict[str, Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        if self._here is not None:
            # A copy, since a context cannot be entered by two threads at a time.
            return self._here.copy().run(self._function, *args, **kwargs)
        with hydrated_context(self._facts):
            return self._function(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        facts = self._facts if self._here is None else self._here.copy().run(serialize_context)
        return {"_function": self._function, "_here": None, "_facts": facts}


#: No process has this id: who looks for the run that it is part of finds none.
_ELSEWHERE: Final = -1
_FLOW_RUN_FACTS: Final = (
    *("flow_run_id", "flow_run_name", "start_time", "expected_start_time", "run_count", "tags", "flow_name"),
    *("flow_version", "parent_flow_run_id", "root_flow_run_id", "log_prints", "parameters"),
)
_TASK_RUN_FACTS: Final = (
    *("task_run_id", "task_run_name", "flow_run_id", "run_count", "start_time", "tags", "log_prints", "parameters"),
)


@dataclass(frozen=True, slots=True)
class _Named:
    """Stands for a task in another process."""

    name: str


def _facts(run: FlowRunContext | TaskRunContext, names: Iterable[str]) -> dict[str, Any]:
    facts = {name: getattr(run, name) for name in names}
    return {**facts, "parameters": {name: value for name, value in run.parameters.items() if _can_be_pickled(value)}}


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - a value's own code may raise what it likes
        return False
    return True
