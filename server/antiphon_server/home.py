"""The folder of a server: one server at a time, by a lock that dies with it."""

import fcntl
import os
from pathlib import Path

LOCK = "server.lock"
DATABASE = "antiphon.db"


class HomeTaken(Exception):
    """Another server uses the folder."""


def take(home: Path) -> int:
    """Locks the folder for this process and writes its id there; gives the descriptor that holds the lock.

    Raises HomeTaken, or OSError where the folder cannot be made or written.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise HomeTaken(f"a server (process {holder or 'unknown'}) uses {home} already") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
