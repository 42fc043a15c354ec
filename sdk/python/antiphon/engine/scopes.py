"""Who may stop a run, and how word of it reaches the code that runs.

A run has a scope. What waits or computes on its behalf leaves a stopper there while it does; `stop` calls the stoppers
of the scope and of those below it, from any thread.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeAlias

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import AntiphonSignal, TerminationSignal

#: What is left to do, in an event loop.
InLoop: TypeAlias = tuple[asyncio.AbstractEventLoop, Callable[[], object]]
#: Stops something, or gives what does so in a loop. For all runs that stop together this is done in one step of the
#: loop: a coroutine that stands in two of them is to be cancelled once, and not again as it cleans up.
Stopper: TypeAlias = Callable[["type[AntiphonSignal]"], InLoop | None]


class RunScope:
    """One run's. Once stopped it stays so, and whatever begins to wait in it is stopped at once."""

    __slots__ = ("_children", "_lock", "_stoppers", "depth", "reason", "signal")

    def __init__(self, parent: "RunScope | None" = None) -> None:
        #: What interrupts user code: RunCancelled, RunRevoked or TerminationSignal; None while the run may go on.
        self.signal: type[AntiphonSignal] | None = None
        #: How many runs it is inside of.
        self.depth: int = parent.depth + 1 if parent is not None else 0
        #: Why, for people.
        self.reason = ""
        self._lock = threading.Lock()
        self._stoppers: list[Stopper] = []
        #: As a dict for its order and for leaving fast: a flow may have thousands.
        self._children: dict[RunScope, None] = {}
        if parent is not None:
            parent._adopt(self)

    def _adopt(self, child: "RunScope") -> None:
        with self._lock:
            self._children[child] = None
            signal, reason = self.signal, self.reason
        if signal is not None:
            child.stop(signal, reason)

    def release(self, child: "RunScope") -> None:
        """Forgets a scope below whose run has ended."""
        with self._lock:
            self._children.pop(child, None)

    def stop(self, signal: type[AntiphonSignal], reason: str) -> None:
        """Interrupts what runs in this scope and below. Only the first call counts, and one more for the process's end:
        what cleans up after a cancel has no time then."""
        _call_all(self._mark_stopped(signal, reason), signal)

    def stop_children(self, signal: type[AntiphonSignal], reason: str) -> None:
        """Interrupts the runs below that have not ended, while this one goes on."""
        _call_all(self._mark_children_stopped(signal, reason), signal)

    def _mark_stopped(self, signal: type[AntiphonSignal], reason: str) -> list[Stopper]:
        """Gives the stoppers to call, those of the innermost runs first."""
        with self._lock:
            if self.signal is not None and (signal is not TerminationSignal or self.signal is TerminationSignal):
                return []
            self.signal, self.reason = signal, reason
            stoppers = list(self._stoppers)
        return self._mark_children_stopped(signal, reason) + stoppers

    def _mark_children_stopped(self, signal: type[AntiphonSignal], reason: str) -> list[Stopper]:
        with self._lock:
            children = list(self._children)
        return [stopper for child in children for stopper in child._mark_stopped(signal, reason)]

    @contextmanager
    def stopped_by(self, stopper: Stopper) -> Iterator[None]:
        """Has `stopper` called with the signal if the run is stopped inside the block, or was before."""
        try:
            with self._lock:
                self._stoppers.append(stopper)
                signal = self.signal
            if signal is not None:
                _call_all((stopper,), signal)
            yield
        finally:
            with self._lock, suppress(ValueError):  # an interrupt may have kept it out
                self._stoppers.remove(stopper)


#: Each run takes a dozen of the thousand frames that Python has for a thread.
MAX_NESTED_RUNS = 60


def scope_of_run(parent: RunScope | None, decorated: Any) -> RunScope:
    """The scope of a run of this flow or task inside the parent's. Raises RecursionError where runs that call each
    other come to no end."""
    if parent is not None and parent.depth >= MAX_NESTED_RUNS:
        raise RecursionError(
            f"{decorated!r} is called inside {parent.depth + 1} runs that stand one in the other, more than the "
            f"{MAX_NESTED_RUNS} that are possible. Does it call itself without an end? Let plain functions do the "
            "recursion, or a loop."
        )
    return RunScope(parent)


@contextmanager
def set_apart(scope: RunScope) -> Iterator[RunScope]:
    """Gives a scope for what must not be cut short as a run is stopped: a wait for those below, or a hook. Only where
    the process is told to end there is no time for it."""
    apart = RunScope()

    def hurry(kind: type[AntiphonSignal]) -> None:
        if kind is TerminationSignal:
            apart.stop(TerminationSignal, scope.reason)

    with scope.stopped_by(hurry):
        yield apart


#: The scope of a run, and the one that stands in for it in hooks.
_standing_in: ContextVar[tuple[RunScope | None, RunScope] | None] = ContextVar("antiphon_scope", default=None)


@contextmanager
def standing_in(apart: RunScope) -> Iterator[None]:
    """Inside, `apart` is what is around in place of the scope of the present run: hooks of a run that was stopped may
    call the server."""
    token = _standing_in.set((_scope_of_run_around(), apart))
    try:
        yield
    finally:
        _standing_in.reset(token)


def scope_around() -> RunScope | None:
    """That of the innermost run that the calling code is part of."""
    scope, instead = _scope_of_run_around(), _standing_in.get()
    return instead[1] if instead is not None and instead[0] is scope else scope


def _scope_of_run_around() -> RunScope | None:
    run = TaskRunContext.around() or FlowRunContext.around()
    scope: RunScope | None = run.scope if run is not None else None
    return scope


def raise_if_stopped(scope: RunScope | None) -> None:
    """Where a run was stopped, its code must not go on with what a run inside it gave."""
    if scope is not None and scope.signal is not None:
        raise scope.signal()


def _call_all(stoppers: Iterable[Stopper], signal: type[AntiphonSignal]) -> None:
    in_loops: dict[asyncio.AbstractEventLoop, list[Callable[[], object]]] = {}
    for stopper in stoppers:
        rest = stopper(signal)
        if rest is not None:
            in_loops.setdefault(rest[0], []).append(rest[1])
    for loop, callbacks in in_loops.items():
        in_loop(loop, _each, callbacks)


def in_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    """Has a loop call this soon, from any thread. In one that was closed nobody is left who would care."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)


def _each(callbacks: list[Callable[[], object]]) -> None:
    for callback in callbacks:
        callback()
