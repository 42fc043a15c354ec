"""What an engine asks of the world. An engine is a generator: it yields effects and is sent their results, so that one
engine serves sync and async code and a test can play the world."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from antiphon.engine.scopes import RunScope
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal

Body: TypeAlias = FlowRun | TaskRun | Proposal


@dataclass(slots=True)
class Send:
    """Send frames to the server, in one go. With `wait`, the result is the last one's Verdict, once it is final; the
    scope's signal is raised if the run is stopped meanwhile. Without, the result is None at once."""

    bodies: tuple[Body, ...]
    wait: bool
    scope: RunScope | None = None


@dataclass(slots=True)
class Call:
    """Call user code; the result is an Outcome. A coroutine function is awaited by the async driver."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    scope: RunScope
    #: Entered around the call, in order. No interrupt of this run comes while they are entered or left.
    contexts: tuple[AbstractContextManager[Any], ...] = ()
    #: Seconds, or None.
    timeout: float | None = None
    #: Entered next, which may take long: it can be interrupted, and counts to the time.
    opening: AbstractContextManager[Any] = field(default_factory=nullcontext)


@dataclass(slots=True)
class Await:
    """Wait until all these futures and pauses have ended, or for `timeout` seconds; the scope's signal is raised if the
    run is stopped before. Without any it waits for its timeout."""

    futures: list[Any]
    scope: RunScope
    #: None waits for as long as it takes.
    timeout: float | None = None


@dataclass(slots=True)
class Ask:
    """Call a function of the SDK's own that blocks, such as a unary call; the result is what it gives. The async driver
    does so in a thread."""

    function: Callable[[], Any]


class NoMore(BaseException):
    """Raised at a Give: whoever iterated wants no more."""


@dataclass(slots=True)
class Give:
    """Give a value to whoever iterates over the run; the result is what that sends back. It may throw instead, and
    NoMore is raised where it closes the iteration. (GeneratorExit would close the engine too.)"""

    value: Any


@dataclass(slots=True)
class Outcome:
    """What user code did."""

    value: Any = None
    error: BaseException | None = None
    #: The error is the call's own time limit.
    timed_out: bool = False
    #: The error came because the scope was stopped.
    stopped: bool = False


Effect: TypeAlias = Send | Call | Await | Ask | Give
Life: TypeAlias = Generator[Effect, Any, Any]
