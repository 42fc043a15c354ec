"""Raising an exception inside synchronous code that runs: when its time is up, or when somebody stops it.

On the main thread SIGALRM does it and reaches into blocking system calls (see `alarm`). Elsewhere Python can only raise
between two of its own instructions (PyThreadState_SetAsyncExc), so a call that blocks in C ends first. An interrupt
that comes as the code ends is taken back.

Blocks nest where a run calls another one. A signal for an outer block waits while an inner one is active: its run is
stopped too, and the engine raises the outer signal when that run has been brought to its end. A time limit does not
wait: it goes through the inner run. So does a signal where all that is inside are passing blocks, stretches of the same
run's code.
"""

import ctypes
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from antiphon.engine.alarm import RING_INTERVAL, Alarm
from antiphon.engine.thread_frames import frames_of_threads
from antiphon.exceptions import AntiphonSignal
from antiphon.session import forking

T = TypeVar("T")


class RunTimeout(TimeoutError):
    """The run's own time limit, told from a TimeoutError that user code raised."""


#: What may still come while a block closes.
_LATE = (AntiphonSignal, RunTimeout)
#: Seconds after which an interrupt is tried again that went astray.
_AGAIN = 0.001
#: Of a loop, in which an exception that is set is raised at the first; unless a `__del__` gets it.
_STEPS = 100
#: Guards blocks against threads; the alarm's handler does without, since it runs between two steps of the main thread.
#: Reentrant for `_on_unraisable`, which may come while its thread has it.
_lock = threading.RLock()
#: Thread -> its active blocks, the innermost last.
_stacks: dict[int, list["Block"]] = {}
#: Thread -> the block whose exception was raised there last; one that was not taken yet is overwritten by the next.
_last_raised: dict[int, "Block"] = {}
#: Thread -> what ends its wait in C, so that an exception can be raised there.
_wakers: dict[int, list[Callable[[], object]]] = {}


class Block:
    """A stretch of code that can be interrupted once, by RunTimeout after `timeout` seconds or by `interrupt`."""

    __slots__ = (
        "_outer_timeouts",
        "active",
        "deadline",
        "deferred",
        "due",
        "main",
        "passing",
        "raised",
        "thread",
    )

    def __init__(self, timeout: float | None, *, passing: bool = False) -> None:
        self.passing = passing
        self.thread = threading.get_ident()
        self.main = self.thread == threading.main_thread().ident
        self.deadline = time.monotonic() + timeout if timeout is not None else None
        #: What interrupts the block, once something does.
        self.due: type[BaseException] | None = None
        self.raised = False
        #: The engine raises it, when the run inside has been brought to its end.
        self.deferred = False
        self.active = False
        #: How many blocks around this one had timed out as it began.
        self._outer_timeouts = 0

    @property
    def timed_out(self) -> bool:
        """Whether it was this block's time limit that ran out."""
        return self.due is RunTimeout

    @property
    def outer_timed_out(self) -> bool:
        """Whether the limit of a block around this one has run out since it began."""
        around = [block for block in _stacks.get(self.thread, []) if block is not self]
        return _timeouts(around) > self._outer_timeouts

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
            if self.deadline is not None and not self.main:
                _watch.look_at(self.deadline)
        if self.deadline is not None and self.main:
            _alarm.set_timer(_deadlines(stack))

    def _close(self) -> None:
        """May be called again where it was interrupted."""
        with _lock:
            self.active = False
            stack = _stacks.get(self.thread, [])
            if self in stack and self.passing:
                # It need not be the innermost one: generators are closed when it pleases them.
                stack.remove(self)
            elif self in stack:
                # All above it too: what did not come to close itself is over all the same.
                del stack[stack.index(self) :]
            if not self.main and _last_raised.get(self.thread) is self:
                del _last_raised[self.thread]
                # Where it was not raised yet it must not be raised behind the block.
                _take_back()
            if not stack:
                _stacks.pop(self.thread, None)
        if self.main:
            if self.deadline is not None:
                _alarm.set_timer(_deadlines(stack))
            if not stack:
                _alarm.restore()


@contextmanager
def interruptible() -> Iterator[Block]:
    """Makes a passing block of a `with` block. What interrupts it may also be raised by leaving it."""
    block = Block(None, passing=True)
    try:
        block._open()
        yield block
    finally:
        try:
            block._close()
        except BaseException:
            block._close()
            raise


def _timeouts(stack: list[Block]) -> int:
    return sum(block.due is RunTimeout for block in stack)


def _deadlines(stack: list[Block]) -> list[float]:
    return [block.deadline for block in stack if block.deadline is not None and block.due is None]


def _raise_in(block: Block, kind: type[BaseException]) -> None:
    with _lock:
        if not block.active or block.due is not None:
            return
        block.due = kind
        _unraisable.install()
        stack = _stacks[block.thread]
        place = stack.index(block)
        covered = not all(inner.passing for inner in stack[place + 1 :])
        # What interrupts more than a passing block goes first: a thread can only be told of one thing at a time.
        second = block.passing and any(outer.due is not None for outer in stack[:place])
        if kind is not RunTimeout and (covered or second):
            block.deferred = True
        elif block.main:
            _raise_on_main_thread()
        else:
            _raise_elsewhere(block)


def _raise_on_main_thread() -> None:
    """Rings, and again until it was heard: a signal that comes just before a system call does not end that. Call with
    the lock held."""
    _alarm.ring()
    _watch.look_at(time.monotonic() + RING_INTERVAL)


def _raise_elsewhere(block: Block) -> None:
    """Raises what is due in a thread other than the main one. Call with the lock held."""
    if forking.is_in_hooks(block.thread) or any(_started_by(frames_of_threads().get(block.thread))):
        # Threading cannot take an exception there; worse follows before Python 3.12, see _Unraisable.
        _watch.look_at(time.monotonic() + _AGAIN)
        return
    assert block.due is not None
    block.raised = True
    _last_raised[block.thread] = block
    _set_async(block.thread, block.due)
    for wake in _wakers.get(block.thread, ()):
        wake()


def _set_async(thread: int, kind: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))


class _TakenBack(BaseException):
    """Stands for what was to be raised."""


def _take_back() -> None:
    """Sees to it that nothing is raised in this thread any more.

    Not by NULL as the exception: before Python 3.13 that leaves the sign up, for all threads and for good, that one is
    to be raised; each call looks for it then, and under a tracer (a debugger, coverage) Python 3.11 looks for ever.
    """
    try:
        _set_async(threading.get_ident(), _TakenBack)
        for _ in range(_STEPS):
            pass
    except _TakenBack:
        pass


def _started_by(frame: FrameType | None) -> Iterator[threading.Thread]:
    """The threads that code is starting, from its innermost frame up."""
    for _ in range(16):  # it waits some calls deep, and a weak reference's callback may run on top
        if frame is None:
            return
        if frame.f_code is threading.Thread.start.__code__:
            yield frame.f_locals["self"]
        frame = frame.f_back


class _Watch:
    """Ends the blocks of all threads but the main one when their time is up, and tries interrupts again that missed.
    From a thread of its own: starting one for each block would take longer than most blocks do. Its methods are called
    with the lock held."""

    def __init__(self) -> None:
        self._changed = threading.Condition(_lock)
        self._thread: threading.Thread | None = None
        #: When it looks next, of time.monotonic.
        self._next = math.inf

    def look_at(self, moment: float) -> None:
        """Has it look no later than this."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="antiphon-limits", daemon=True)
            self._thread.start()
        if moment < self._next:
            self._next = moment
            self._changed.notify()

    def _run(self) -> None:
        with _lock:
            while True:
                if self._next <= time.monotonic():
                    self._next = math.inf
                    for blocks in list(_stacks.values()):
                        self._look(blocks)
                self._changed.wait(None if self._next == math.inf else max(self._next - time.monotonic(), 0))

    def _look(self, blocks: list[Block]) -> None:
        """Raises what is due in one thread, and notes when to look again."""
        due = _note_timeouts(blocks)
        if due is not None and due.main:
            _raise_on_main_thread()
        elif due is not None:
            _raise_elsewhere(due)
        self._next = min([self._next, *_deadlines(blocks)])


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


def _note_timeouts(blocks: list[Block]) -> Block | None:
    """Notes whose time is up in one thread; gives the outermost block whose interrupt may be raised now."""
    now = time.monotonic()
    for block in blocks:
        if block.due is None and block.deadline is not None and block.deadline <= now:
            block.due = RunTimeout
    for block in blocks:
        if block.due is not None and not (block.raised or block.deferred):
            _unraisable.install()
            return block
    return None


def _on_alarm() -> tuple[type[BaseException] | None, list[float]]:
    """Gives what is to be raised on the main thread, and the limits still to come."""
    here = threading.get_ident()
    blocks = _stacks.get(here, [])
    if forking.is_in_hooks(here):
        # Both the timer and `_watch` ring again.
        return None, _deadlines(blocks)
    due = _note_timeouts(blocks)
    if due is not None:
        due.raised = True
    return due.due if due is not None else None, _deadlines(blocks)


#: What a new thread begins with.
_BOOTSTRAP = threading.Thread._bootstrap  # type: ignore[attr-defined]


class _Unraisable:
    """Sees interrupts that came where Python can only ignore exceptions: in `__del__` or in a weak reference's
    callback. They are raised again a moment later.

    Or at the first step of a new thread: before Python 3.12 it goes by its parent's number for a moment and can get the
    parent's exception. It would die of it, and its parent wait for it forever; so it is brought to life again.
    """

    def __init__(self) -> None:
        self._previous: Callable[[sys.UnraisableHookArgs], object] | None = None

    def install(self) -> None:
        if sys.unraisablehook != self._hook:
            self._previous, sys.unraisablehook = sys.unraisablehook, self._hook

    def _hook(self, unraisable: "sys.UnraisableHookArgs", /) -> None:
        begin: Any = unraisable.object
        newborn = begin.__self__ if getattr(begin, "__func__", None) is _BOOTSTRAP else None
        lost = self._lost(unraisable.exc_type, newborn)
        with _lock:
            for block in lost:
                block.raised = False
            _watch.look_at(time.monotonic() + _AGAIN)
        if newborn is not None and issubclass(unraisable.exc_type, _LATE):
            begin()
        elif not lost and self._previous is not None and unraisable.exc_type is not _TakenBack:
            self._previous(unraisable)

    @staticmethod
    def _lost(kind: type[BaseException], newborn: threading.Thread | None) -> list[Block]:
        """The blocks whose interrupt it was."""
        here = threading.get_ident()
        if newborn is None:
            blocks = _stacks.get(here, [])
        else:
            frames = frames_of_threads().items()
            blocks = [
                block for thread, frame in frames if newborn in _started_by(frame) for block in _stacks.get(thread, [])
            ]
        return [block for block in blocks if block.raised and block.due is kind]


def _renew() -> None:
    """In a forked child: other threads are gone, and one of them may have held the lock."""
    global _lock, _watch
    here = threading.get_ident()
    _lock = threading.RLock()
    _watch = _Watch()
    for thread in [each for each in _stacks if each != here]:
        del _stacks[thread]


_unraisable = _Unraisable()
_watch = _Watch()
os.register_at_fork(after_in_child=_renew)
_alarm = Alarm(_on_alarm)
