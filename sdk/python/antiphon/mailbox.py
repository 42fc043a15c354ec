"""Where one thread waits for what others, callbacks and signal handlers have for it.

`queue.SimpleQueue` will not do: up to Python 3.12 its `get` waits for ever where its timeout passes between two looks,
as a short one does on a busy machine. `queue.Queue` has a lock at which a signal handler would wait for its own thread.
"""

import threading
import time
from collections import deque
from queue import Empty
from typing import Generic, TypeVar

T = TypeVar("T")


class Gate:
    """Anybody opens it, any number of times; the one thread that passes shuts it behind itself."""

    __slots__ = ("_shut",)

    def __init__(self) -> None:
        self._shut = threading.Lock()
        self._shut.acquire()

    def open(self) -> None:
        """Let the thread pass that waits, or the next that comes."""
        try:
            self._shut.release()
        except RuntimeError:  # it is open
            return

    def wait(self, seconds: float | None = None) -> bool:
        """Pass as soon as it is open; False if it was not for `seconds`."""
        return self._shut.acquire(timeout=-1 if seconds is None else max(seconds, 0))


class Mailbox(Generic[T]):
    """A queue that any thread puts something into and one takes it out of."""

    __slots__ = ("_gate", "_items")

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._gate = Gate()

    def put(self, item: T) -> None:
        """Never blocks."""
        self._items.append(item)
        self._gate.open()

    def get(self, timeout: float | None = None) -> T:
        """The oldest item. Raises `queue.Empty` if there is none for `timeout` seconds; None waits for ever."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return self._items.popleft()
            except IndexError:
                left = None if deadline is None else deadline - time.monotonic()
            # It may be open for something that was taken before.
            if not self._gate.wait(left) and not self._items:
                raise Empty
