"""What a lock manager does. Waiting is written once for sync and async code; a manager says how a lock is tried for."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future

from antiphon.engine.drivers import adrive, drive
from antiphon.engine.dual import Work
from antiphon.engine.effects import Ask, Await
from antiphon.engine.scopes import RunScope, scope_around

__all__ = ["LockManager"]


class _Attempt:
    """Tries to take a lock, perhaps in another thread than its caller's, who may have been interrupted meanwhile: then
    nobody would give the lock back."""

    def __init__(self, try_lock: Callable[[], bool], release: Callable[[], None]) -> None:
        self._try_lock = try_lock
        self._release = release
        self._guard = threading.Lock()
        self._taken = False
        self._abandoned = False

    def __call__(self) -> bool:
        taken = self._try_lock()
        with self._guard:
            self._taken = taken and not self._abandoned
            late = taken and self._abandoned
        if late:
            self._release()
        return taken

    def abandon(self) -> None:
        with self._guard:
            self._abandoned = True
            taken, self._taken = self._taken, False
        if taken:
            self._release()


class LockManager(ABC):
    """Locks by key. A lock has one holder, by name, who may take it again; it ends by its release or `hold_timeout`."""

    #: Seconds between two looks at a lock whose end nobody tells of.
    poll_interval = 0.05

    @abstractmethod
    def try_lock(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        """Take the lock if it is free or the holder's already; says whether that is so now. Does not wait."""

    @abstractmethod
    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back. Raises ValueError where the holder has it not."""

    @abstractmethod
    def is_locked(self, key: str) -> bool:
        """Whether anybody has the lock."""

    @abstractmethod
    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether this holder has the lock."""

    def waiter(self, key: str) -> "Future[None] | None":
        """Return what is done when the lock comes free; None where nobody tells of it, and one has to look again."""
        return None

    def acquiring(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> Work[bool]:
        """As `acquire_lock`, as a part of an engine."""
        deadline = None if acquire_timeout is None else time.monotonic() + acquire_timeout
        attempt = _Attempt(lambda: self.try_lock(key, holder, hold_timeout), lambda: self.release_lock(key, holder))
        try:
            while True:
                told = self.waiter(key)
                if (yield Ask(attempt)):
                    return True
                if not (yield from self._look_again(told, deadline)):
                    return False
        except BaseException:
            attempt.abandon()
            raise

    def waiting(self, key: str, timeout: float | None = None) -> Work[bool]:
        """As `wait_for_lock`, as a part of an engine."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            told = self.waiter(key)
            if not (yield Ask(lambda: self.is_locked(key))):
                return True
            if not (yield from self._look_again(told, deadline)):
                return False

    def _look_again(self, told: "Future[None] | None", deadline: float | None) -> Work[bool]:
        """Waits until it makes sense to look again; False once time is up."""
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        interval = None if told is not None else self.poll_interval
        patience = min((each for each in (left, interval) if each is not None), default=None)
        yield Await([told] if told is not None else [], scope_around() or RunScope(), patience)
        return True

    def acquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """Take the lock, waiting for at most `acquire_timeout` seconds (None: for ever); says whether that came about.
        It ends by itself after `hold_timeout` seconds."""
        return bool(drive(self.acquiring(key, holder, acquire_timeout, hold_timeout), None))

    async def aacquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """As `acquire_lock`, without blocking the event loop."""
        return bool(await adrive(self.acquiring(key, holder, acquire_timeout, hold_timeout), None))

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until the lock is free, for at most `timeout` seconds; says whether it is."""
        return bool(drive(self.waiting(key, timeout), None))

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """As `wait_for_lock`, without blocking the event loop."""
        return bool(await adrive(self.waiting(key, timeout), None))
