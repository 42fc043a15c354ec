"""Raising an exception inside synchronous code that runs: when its time is up, or when somebody stops it.

On the main thread SIGALRM does it and reaches into blocking system calls (see `alarm`). Elsewhere Python can only raise
between two of its own instructions (PyThreadState_SetAsyncExc), so a call that blocks in C ends first. An interrupt
that comes as the code ends is taken back.

Blocks nest where a run calls another one. A signal for an outer block waits while an inner one is active: its run is
stopped too, and the engine raises the outer signal when that run has been brought to its end. A time limit does not
wait: it goes through the inner run.
"""

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from antiphon.engine.alarm import Alarm
from antiphon.exceptions import AntiphonSignal

T = TypeVar("T")


class RunTimeout(TimeoutError):
    """The run's own time limit, told from a TimeoutError that user code raised."""


#: What may still come while a block closes.
_LATE = (AntiphonSignal, RunTimeout)
#: Guards blocks against threads; the alarm's handler does without, since it runs between two steps of the main thread.
_lock = threading.Lock()
#: Thread -> its active blocks, the innermost last.
_stacks: dict[int, list["Block"]] = {}
#: Thread -> what ends its wait in C, so that an exception can be raised there.
_wakers: dict[int, list[Callable[[], object]]] = {}


class Block:
    """A stretch of code that can be interrupted once, by RunTimeout after `timeout` seconds or by `interrupt`."""

    __slots__ = (
        "_outer_timeouts",
        "_timer",
        "active",
        "deadline",
        "due",
        "main",
        "outer_timed_out",
        "raised",
        "thread",
    )

    def __init__(self, timeout: float | None) -> None:
        self.thread = threading.get_ident()
        self.main = self.thread == threading.main_thread().ident
        self.deadline = time.monotonic() + timeout if timeout is not None else None
        #: What interrupts the block, once something does.
        self.due: type[BaseException] | None = None
        self.raised = False
        self.active = False
        #: Whether the limit of a block around this one ran out meanwhile.
        self.outer_timed_out = False
        self._outer_timeouts = 0
        self._timer: threading.Timer | None = None

    @property
    def timed_out(self) -> bool:
        """Whether it was this block's time limit that ran out."""
        return self.due is RunTimeout

    def interrupt(self, kind: type[AntiphonSignal]) -> None:
        """Raises `kind` inside the block, from any thread; only the first interrupt counts."""
        _raise_in(self, kind)

    def run(self, body: Callable[[], T]) -> T:
        """Calls `body` inside the block, once.

        Where the limit of a block around it ran out meanwhile, RunTimeout is raised at the end in any case: the code
        inside may have caught it, or it came when this block was closing.
        """
        # No `with` here: an interrupt may come at the first step of any call, that of __exit__ too.
        try:
            self._open()
            return body()
        finally:
            try:
                self._close()
            except _LATE:
                # Too late to matter here, and it comes once.
                self._close()
            if self.outer_timed_out and not isinstance(sys.exception(), RunTimeout):
                raise RunTimeout

    def _open(self) -> None:
        with _lock:
            stack = _stacks.setdefault(self.thread, [])
            self._outer_timeouts = _timeouts(stack)
            if self.main and not stack:
                _alarm.install()
            self.active = True
            stack.append(self)
        if self.deadline is None:
            return
        if self.main:
            _alarm.set_timer(_deadlines(stack))
        else:
            self._timer = threading.Timer(max(self.deadline - time.monotonic(), 0), _raise_in, (self, RunTimeout))
            self._timer.daemon = True
            self._timer.start()

    def _close(self) -> None:
        """May be called again where it was interrupted."""
        if self._timer is not None:
            self._timer.cancel()
        with _lock:
            self.active = False
            stack = _stacks.get(self.thread, [])
            if self in stack:
                # All above it too: what did not come to close itself is over all the same.
                del stack[stack.index(self) :]
            self.outer_timed_out = _timeouts(stack) > self._outer_timeouts
            if not self.main and self.raised:
                # Where it was not raised yet it must not be raised behind the block; where it was, this does nothing.
                _set_async(self.thread, None)
            if not stack:
                _stacks.pop(self.thread, None)
        if self.main:
            if self.deadline is not None:
                _alarm.set_timer(_deadlines(stack))
            if not stack:
                _alarm.restore()


def _timeouts(stack: list[Block]) -> int:
    return sum(block.due is RunTimeout for block in stack)


def _deadlines(stack: list[Block]) -> list[float]:
    return [block.deadline for block in stack if block.deadline is not None and block.due is None]


def _raise_in(block: Block, kind: type[BaseException]) -> None:
    with _lock:
        if not block.active or block.due is not None:
            return
        block.due = kind
        if _stacks[block.thread][-1] is not block and kind is not RunTimeout:
            return
        if block.main:
            _alarm.ring()
        else:
            block.raised = True
            _set_async(block.thread, kind)
            for wake in _wakers.get(block.thread, ()):
                wake()


@contextmanager
def awakened(wake: Callable[[], object]) -> Iterator[None]:
    """Inside, `wake` is called where this thread is interrupted; the exception is raised once its wait is over."""
    wakers = _wakers.setdefault(threading.get_ident(), [])
    wakers.append(wake)
    try:
        yield
    finally:
        with suppress(ValueError):
            wakers.remove(wake)
        if not wakers:
            _wakers.pop(threading.get_ident(), None)


def _set_async(thread: int, kind: type[BaseException] | None) -> None:
    argument = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)


def _on_alarm() -> tuple[type[BaseException] | None, list[float]]:
    """Notes whose time is up; gives what is to be raised on the main thread, and the limits still to come."""
    blocks = _stacks.get(threading.get_ident(), [])
    now = time.monotonic()
    for block in blocks:
        if block.due is None and block.deadline is not None and block.deadline <= now:
            block.due = RunTimeout
    for block in blocks:
        ready = block.due is RunTimeout or block is blocks[-1]
        if block.due is not None and ready and not block.raised:
            block.raised = True
            return block.due, _deadlines(blocks)
    return None, _deadlines(blocks)


_alarm = Alarm(_on_alarm)
