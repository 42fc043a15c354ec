"""SIGTERM while a flow runs: its run is brought to its end as CRASHED, and then the process dies of the signal as it
would have without us.

That holds for flows of the main thread, and where nobody else has a handler for the signal. One that comes again a
while later ends the process at once.
"""

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from antiphon.engine.alarm import RING_INTERVAL
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import TerminationSignal
from antiphon.session import forking
from antiphon.session.registry import close_all

#: Seconds after the first signal for which more of them change nothing: one word to end may come as several signals.
ONE_WORD = 1.0
#: Stands for the signal where Python has called the handler; no signal has this number.
_TOLD = 0
REASON = "The process was told to end (SIGTERM)."

#: Of the main thread's root flow runs; async ones may overlap.
_scopes: dict[RunScope, None] = {}
#: When the first signal was handled, of time.monotonic.
_told_at: float | None = None


class _Ear:
    """Hears of SIGTERM at once, in a thread of its own. Python calls a handler between two steps of the main thread,
    where a signal that falls just before a blocking call waits for the end of that. Code that has a wake-up descriptor
    of its own, as event loops with signal handlers do, keeps it: those call handlers soon."""

    def __init__(self) -> None:
        self._heard, self._told = socket.socketpair()
        self._told.setblocking(False)
        threading.Thread(target=self._listen, name="antiphon-sigterm", daemon=True).start()

    def open(self) -> None:
        before = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        if before not in (-1, self._told.fileno()):
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        present = signal.set_wakeup_fd(-1)
        if present != self._told.fileno():
            signal.set_wakeup_fd(present)

    def tell(self) -> None:
        """The same as the first signal, of which somebody else's descriptor may have got word."""
        with suppress(BlockingIOError):  # then it has a lot to hear already
            self._told.send(bytes([_TOLD]))

    def _listen(self) -> None:
        #: When a word was first heard, of time.monotonic.
        first = math.inf
        while numbers := self._heard.recv(256):
            # A handler that code put in place meanwhile has the say.
            if not {signal.SIGTERM, _TOLD} & set(numbers) or signal.getsignal(signal.SIGTERM) != _handle:
                continue
            now = time.monotonic()
            if signal.SIGTERM in numbers and now - first > ONE_WORD:
                _insist()
            else:
                first = min(first, now)
                _stop_all()


def _insist() -> None:
    """Has the main thread call the handler, which then ends the process, whatever it waits for."""
    main = threading.main_thread().ident
    assert main is not None
    while signal.getsignal(signal.SIGTERM) == _handle:
        signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(RING_INTERVAL)


#: Made when it is first needed.
_ear: _Ear | None = None


@contextmanager
def ended_by_sigterm(scope: RunScope) -> Iterator[None]:
    """Inside, SIGTERM stops the root flow run that has this scope. At the end of the last such block the process dies
    of it."""
    if threading.current_thread() is not threading.main_thread() or not _is_ours_to_handle():
        yield
        return
    _scopes[scope] = None
    try:
        _enter()
        yield
    finally:
        # A forked child has forgotten it, and that another process was told to end.
        if scope in _scopes:
            del _scopes[scope]
            if not _scopes:
                # The ear may have stopped the run before Python called the handler.
                _leave(told=scope.signal is TerminationSignal)


def _is_ours_to_handle() -> bool:
    return signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, _handle)


def _enter() -> None:
    global _ear
    if _ear is None:
        with suppress(OSError, RuntimeError):  # no descriptor or thread to be had: it works without, only slower
            _ear = _Ear()
    if _ear is not None:
        _ear.open()
    signal.signal(signal.SIGTERM, _handle)
    if _told_at is not None:
        _stop_all()


def _leave(*, told: bool) -> None:
    if not told and _told_at is None:
        _restore()
    # Looked at anew: the signal may have come until our handler was gone.
    if told or _told_at is not None:
        # Nothing else runs at the end of a process that a signal ends. Our handler stays meanwhile: what comes now may
        # be the same word still.
        close_all()
        _restore()
        signal.raise_signal(signal.SIGTERM)


def _restore() -> None:
    # Code that put a handler of its own in place meanwhile keeps it.
    if signal.getsignal(signal.SIGTERM) == _handle:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _ear is not None:
        _ear.close()


def _handle(number: int, frame: FrameType | None) -> None:
    global _told_at
    now = time.monotonic()
    if _told_at is None:
        _told_at = now
        if _ear is None:
            raise TerminationSignal
        # Not here: the code that this interrupts may hold the lock of a scope, or of the threading module.
        _ear.tell()
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
    forking.enter_hooks()
    if _scopes:
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    forking.leave_hooks()


def _after_fork_in_child() -> None:
    """It runs none of these flows, and SIGTERM ends it as it ends any process."""
    global _told_at, _ear
    _restore()
    _scopes.clear()
    _told_at, _ear = None, None
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
