"""Locks between the processes of one machine, or of several that share a file system with `flock`."""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon import file_lock
from antiphon.locking.protocol import LockManager

__all__ = ["FileSystemLockManager"]

#: Seconds to wait for other processes that look at locks just now.
_GUARD_TIMEOUT = 30.0

#: Path of a lock's file -> its descriptor, of the locks that this process has. The file is flocked through it, so that
#: a lock ends with its process.
_held: dict[str, int] = {}


class FileSystemLockManager(LockManager):
    """Keeps a file for each lock in a folder, which is made if missing. A lock of a process that died is free."""

    def __init__(self, lock_files_directory: Path | str) -> None:
        self.lock_files_directory = Path(lock_files_directory).expanduser().resolve()

    def try_lock(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        path = self._path(key)
        with self._guarded():
            present = self._holder(path)
            if present is not None:
                return present == holder
            self._drop(path)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            expires = None if hold_timeout is None else time.time() + hold_timeout
            os.write(descriptor, json.dumps({"key": key, "holder": holder, "expires": expires}).encode())
            _held[str(path)] = descriptor
            return True

    def release_lock(self, key: str, holder: str) -> None:
        path = self._path(key)
        with self._guarded():
            if self._holder(path) != holder:
                raise ValueError(f"{holder!r} does not hold the lock on {key!r}, so it cannot release it.")
            self._drop(path)

    def is_locked(self, key: str) -> bool:
        with self._guarded():
            return self._holder(self._path(key)) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        with self._guarded():
            return self._holder(self._path(key)) == holder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileSystemLockManager) and other.lock_files_directory == self.lock_files_directory

    def __hash__(self) -> int:
        return hash(self.lock_files_directory)

    def _path(self, key: str) -> Path:
        # Keys may hold what file names may not.
        return self.lock_files_directory / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.lock"

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """One process at a time looks at the locks, and changes them."""
        self.lock_files_directory.mkdir(parents=True, exist_ok=True)
        descriptor = file_lock.acquire(self.lock_files_directory / ".guard", _GUARD_TIMEOUT)
        try:
            yield
        finally:
            file_lock.release(descriptor)

    @staticmethod
    def _holder(path: Path) -> str | None:
        """Who has the lock; None where it is free: never taken, its time over, or its process gone."""
        try:
            with path.open("rb") as file:
                if not _is_held_here(path, file.fileno()) and _is_free(file.fileno()):
                    return None
                lock = json.loads(file.read())
        except FileNotFoundError:
            return None
        except ValueError:  # its process died as it wrote
            return None
        expires = lock["expires"]
        return None if expires is not None and expires <= time.time() else str(lock["holder"])

    @staticmethod
    def _drop(path: Path) -> None:
        path.unlink(missing_ok=True)
        descriptor = _held.pop(str(path), None)
        if descriptor is not None:
            os.close(descriptor)


def _is_held_here(path: Path, descriptor: int) -> bool:
    """Whether the file at the path is that of this process's lock. After its time is over another process may have put
    its own in the place."""
    ours = _held.get(str(path))
    if ours is None:
        return False
    if os.path.samestat(os.fstat(ours), os.fstat(descriptor)):
        return True
    os.close(_held.pop(str(path)))
    return False


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget() -> None:
    """A forked child has no locks, and must not keep its parent's."""
    for descriptor in _held.values():
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget)
