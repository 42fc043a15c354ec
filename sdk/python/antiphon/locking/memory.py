"""Locks between the threads and coroutines of one process."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import ClassVar, Self

from antiphon.locking.protocol import LockManager

__all__ = ["MemoryLockManager"]


@dataclass(slots=True)
class _Lock:
    holder: str
    #: Ends the lock by itself.
    timer: threading.Timer | None = None
    waiters: list["Future[None]"] = field(default_factory=list)


class MemoryLockManager(LockManager):
    """There is one in a process, whoever makes it."""

    _instance: ClassVar[Self | None] = None

    def __new__(cls) -> Self:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            cls._instance._guard = threading.RLock()
            cls._instance._locks = {}
        return cls._instance

    _guard: threading.RLock
    _locks: dict[str, _Lock]

    def try_lock(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        with self._guard:
            lock = self._locks.get(key)
            if lock is not None:
                return lock.holder == holder
            lock = self._locks[key] = _Lock(holder)
            if hold_timeout is not None:
                lock.timer = threading.Timer(hold_timeout, self._end, (key, lock))
                lock.timer.daemon = True
                lock.timer.start()
            return True

    def release_lock(self, key: str, holder: str) -> None:
        with self._guard:
            lock = self._locks.get(key)
            if lock is None or lock.holder != holder:
                raise ValueError(f"{holder!r} does not hold the lock on {key!r}, so it cannot release it.")
        self._end(key, lock)

    def is_locked(self, key: str) -> bool:
        return key in self._locks

    def is_lock_holder(self, key: str, holder: str) -> bool:
        lock = self._locks.get(key)
        return lock is not None and lock.holder == holder

    def waiter(self, key: str) -> "Future[None]":
        told: Future[None] = Future()
        with self._guard:
            lock = self._locks.get(key)
            if lock is not None:
                lock.waiters.append(told)
                return told
        told.set_result(None)
        return told

    def _end(self, key: str, lock: _Lock) -> None:
        with self._guard:
            if self._locks.get(key) is lock:
                del self._locks[key]
        if lock.timer is not None:
            lock.timer.cancel()
        for waiter in lock.waiters:
            waiter.set_result(None)
