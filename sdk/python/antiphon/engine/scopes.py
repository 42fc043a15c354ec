"""Who may stop a run, and how word of it reaches the code that runs.

A run has a scope. What waits or computes on its behalf leaves a stopper there while it does; `stop` calls the stoppers
of the scope and of those below it, from any thread.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from antiphon.exceptions import AntiphonSignal

Stopper = Callable[["type[AntiphonSignal]"], object]


class RunScope:
    """One run's. Once stopped it stays so, and whatever begins to wait in it is stopped at once."""

    __slots__ = ("_children", "_lock", "_stoppers", "reason", "signal")

    def __init__(self, parent: "RunScope | None" = None) -> None:
        #: What interrupts user code: RunCancelled or RunRevoked; None while the run may go on.
        self.signal: type[AntiphonSignal] | None = None
        #: Why, for people.
        self.reason = ""
        self._lock = threading.Lock()
        self._stoppers: list[Stopper] = []
        self._children: list[RunScope] = []
        if parent is not None:
            parent._adopt(self)

    def _adopt(self, child: "RunScope") -> None:
        with self._lock:
            self._children.append(child)
            signal, reason = self.signal, self.reason
        if signal is not None:
            child.stop(signal, reason)

    def release(self, child: "RunScope") -> None:
        """Forgets a scope below whose run has ended."""
        with self._lock:
            self._children.remove(child)

    def stop(self, signal: type[AntiphonSignal], reason: str) -> None:
        """Interrupts what runs in this scope and below; only the first call counts."""
        with self._lock:
            if self.signal is not None:
                return
            self.signal, self.reason = signal, reason
            stoppers = list(self._stoppers)
        self.stop_children(signal, reason)
        for stopper in stoppers:
            stopper(signal)

    def stop_children(self, signal: type[AntiphonSignal], reason: str) -> None:
        """Interrupts the runs below that have not ended, while this one goes on."""
        with self._lock:
            children = list(self._children)
        for child in children:
            child.stop(signal, reason)

    @contextmanager
    def stopped_by(self, stopper: Stopper) -> Iterator[None]:
        """Has `stopper` called with the signal if the run is stopped inside the block, or was before."""
        with self._lock:
            self._stoppers.append(stopper)
            signal = self.signal
        if signal is not None:
            stopper(signal)
        try:
            yield
        finally:
            with self._lock:
                self._stoppers.remove(stopper)
