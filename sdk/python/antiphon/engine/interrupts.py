"""Raising an exception inside synchronous code that runs: when its time is up, or when somebody stops it.

On the main thread SIGALRM does it and reaches into blocking system calls. Elsewhere Python can only raise between two
of its own instructions (PyThreadState_SetAsyncExc), so a call that blocks in C ends first. An interrupt that comes as
the code ends is taken back.

Blocks nest where a run calls another one. A signal for an outer block waits while an inner one is active: its run is
stopped too, and the engine raises the outer signal when that run has been brought to its end. A time limit does not
wait: it goes through the inner run.
"""

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from antiphon.exceptions import AntiphonSignal


class RunTimeout(TimeoutError):
    """The run's own time limit, told from a TimeoutError that user code raised."""


class Block:
    """A stretch of code that can be interrupted once."""

    __slots__ = ("active", "deadline", "due", "raised", "thread")

    def __init__(self, timeout: float | None) -> None:
        self.thread = threading.get_ident()
        self.deadline = time.monotonic() + timeout if timeout is not None else None
        #: What interrupts the block, once something does.
        self.due: type[BaseException] | None = None
        self.raised = False
        self.active = True

    @property
    def timed_out(self) -> bool:
        """Whether it was this block's time limit that ran out."""
        return self.due is RunTimeout

    def interrupt(self, kind: type[AntiphonSignal]) -> None:
        """Raises `kind` inside the block, from any thread; only the first interrupt counts."""
        _raise_in(self, kind)


#: Guards blocks against threads; the alarm's handler does without, since it runs between two steps of the main thread.
_lock = threading.Lock()
#: Thread -> its active blocks, the innermost last.
_stacks: dict[int, list[Block]] = {}


def _raise_in(block: Block, kind: type[BaseException]) -> None:
    with _lock:
        if not block.active or block.due is not None:
            return
        block.due = kind
        if _stacks[block.thread][-1] is not block and kind is not RunTimeout:
            return
        if block.thread == threading.main_thread().ident:
            signal.pthread_kill(block.thread, signal.SIGALRM)
        else:
            block.raised = True
            _set_async(block.thread, kind)


def _set_async(thread: int, kind: type[BaseException] | None) -> None:
    argument = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)


class _Alarm:
    """SIGALRM on the main thread, while any block is active there."""

    def __init__(self) -> None:
        self._previous: Any = None

    def install(self) -> None:
        self._previous = signal.signal(signal.SIGALRM, self._rings)

    def restore(self) -> None:
        signal.signal(signal.SIGALRM, self._previous if self._previous is not None else signal.SIG_DFL)

    def set_timer(self, blocks: list[Block]) -> None:
        deadlines = [block.deadline for block in blocks if block.deadline is not None and block.due is None]
        signal.setitimer(signal.ITIMER_REAL, max(min(deadlines) - time.monotonic(), 1e-6) if deadlines else 0.0)

    def _rings(self, number: int, frame: FrameType | None) -> None:
        blocks = _stacks.get(threading.get_ident(), [])
        now = time.monotonic()
        for block in blocks:
            if block.due is None and block.deadline is not None and block.deadline <= now:
                block.due = RunTimeout
        if any(block.deadline is not None for block in blocks):
            self.set_timer(blocks)
        for block in blocks:
            ready = block.due is RunTimeout or block is blocks[-1]
            if block.due is not None and ready and not block.raised:
                block.raised = True
                raise block.due


_alarm = _Alarm()


@contextlib.contextmanager
def interruptible(timeout: float | None) -> Iterator[Block]:
    """Lets the code inside be interrupted: by RunTimeout after `timeout` seconds, or by `Block.interrupt`."""
    block = Block(timeout)
    main = block.thread == threading.main_thread().ident
    timer = None
    if not main and timeout is not None:
        timer = threading.Timer(timeout, _raise_in, (block, RunTimeout))
        timer.daemon = True
    _open(block, main)
    if timer is not None:
        timer.start()
    try:
        yield block
    finally:
        if timer is not None:
            timer.cancel()
        while True:
            try:
                _close(block, main)
                break
            except (AntiphonSignal, RunTimeout):
                # It came while the block was closing, too late to matter. It comes once, so the next try succeeds.
                continue


def _open(block: Block, main: bool) -> None:
    with _lock:
        stack = _stacks.setdefault(block.thread, [])
        if main and not stack:
            _alarm.install()
        stack.append(block)
    if main and block.deadline is not None:
        _alarm.set_timer(stack)


def _close(block: Block, main: bool) -> None:
    with _lock:
        block.active = False
        stack = _stacks.get(block.thread, [])
        if block in stack:
            stack.remove(block)
        if not main and block.raised:
            # Where it was not raised yet it must not be raised behind the block; where it was, this does nothing.
            _set_async(block.thread, None)
        if not stack:
            _stacks.pop(block.thread, None)
    if main:
        if block.deadline is not None:
            _alarm.set_timer(stack)
        if not stack:
            _alarm.restore()
