"""SIGTERM while a flow runs: its run is brought to its end as CRASHED, and then the process dies of the signal as it
would have without us.

That holds for flows of the main thread, and where nobody else has a handler for the signal. One that comes again a
while later ends the process at once.
"""

import _thread
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from antiphon.engine.scopes import RunScope
from antiphon.exceptions import TerminationSignal
from antiphon.session.registry import close_all

#: Seconds after the first signal for which more of them change nothing: one word to end may come as several signals.
ONE_WORD = 1.0
REASON = "The process was told to end (SIGTERM)."

#: Of the main thread's root flow runs; async ones may overlap.
_scopes: dict[RunScope, None] = {}
#: When the first signal came, of time.monotonic.
_told_at: float | None = None


@contextmanager
def ended_by_sigterm(scope: RunScope) -> Iterator[None]:
    """Inside, SIGTERM stops the root flow run that has this scope. At the end of the last such block the process dies
    of it."""
    if threading.current_thread() is not threading.main_thread() or not _is_ours_to_handle():
        yield
        return
    _scopes[scope] = None
    try:
        signal.signal(signal.SIGTERM, _handle)
        if _told_at is not None:
            _stop_all()
        yield
    finally:
        # A forked child has forgotten it, and that another process was told to end.
        if scope in _scopes:
            del _scopes[scope]
            if not _scopes:
                _leave()


def _is_ours_to_handle() -> bool:
    return signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, _handle)


def _leave() -> None:
    _restore()
    if _told_at is not None:
        # Nothing else runs at the end of a process that a signal ends.
        close_all()
        signal.raise_signal(signal.SIGTERM)


def _restore() -> None:
    # Code that put a handler of its own in place meanwhile keeps it.
    if signal.getsignal(signal.SIGTERM) == _handle:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _handle(number: int, frame: FrameType | None) -> None:
    global _told_at
    now = time.monotonic()
    if _told_at is None:
        _told_at = now
        try:
            # Not here: the code that this interrupts may hold the lock of a scope, or of the threading module.
            _thread.start_new_thread(_stop_all, ())
        except RuntimeError:
            raise TerminationSignal from None
    elif now - _told_at > ONE_WORD:
        _restore()
        signal.raise_signal(signal.SIGTERM)


def _stop_all() -> None:
    for scope in list(_scopes):
        scope.stop(TerminationSignal, REASON)


#: Thread that forks -> the signals that it had blocked.
_masks: dict[int, set[int | signal.Signals]] = {}


def _before_fork() -> None:
    """A signal that the child gets before it has forgotten our handler would get lost there."""
    if _scopes:
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    """It runs none of these flows, and SIGTERM ends it as it ends any process."""
    global _told_at
    _restore()
    _scopes.clear()
    _told_at = None
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
