"""Exclusive locks between processes: `flock` on a file, waited for without polling."""

import fcntl
import os
import threading
from pathlib import Path


class LockTimeout(Exception):
    """Somebody else held the lock for all of the time allowed."""


def acquire(path: Path, timeout: float) -> int:
    """Lock the file (made if missing) and return its open descriptor; the lock goes with `release`.

    The lock belongs to the open file: a child process that inherits the descriptor holds it too. Waits at most
    `timeout` seconds, then raises LockTimeout. Raises OSError where the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _Waiter(descriptor).wait(timeout)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def release(descriptor: int) -> None:
    """Unlock and close. A copy of the descriptor that a forked child may have does not keep the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


class _Waiter:
    """Waits in a thread of its own, because flock knows no timeout and alarm signals belong to the program."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._done = threading.Event()
        self._guard = threading.Lock()
        self._given_up = False
        self._error: OSError | None = None

    def wait(self, timeout: float) -> None:
        """Return once the lock is held. Raises LockTimeout, and then the descriptor is or will be closed."""
        threading.Thread(target=self._block, name="antiphon-file-lock", daemon=True).start()
        try:
            self._done.wait(timeout)
        except BaseException:
            if not self._give_up():
                os.close(self._descriptor)
            raise
        if self._give_up():
            raise LockTimeout
        if self._error is not None:
            os.close(self._descriptor)
            raise self._error

    def _give_up(self) -> bool:
        """Leave the descriptor to the thread to close; False where the thread is through already."""
        with self._guard:
            self._given_up = not self._done.is_set()
            return self._given_up

    def _block(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            self._error = error
        with self._guard:
            if self._given_up:
                os.close(self._descriptor)
            self._done.set()
