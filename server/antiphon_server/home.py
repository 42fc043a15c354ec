"""The folder of a server: one server at a time, by a lock that dies with it."""

import fcntl
import os
from pathlib import Path

from antiphon_server import restoring

LOCK = "server.lock"
DATABASE = "antiphon.db"
#: The environment variable that names another database.
DATABASE_URL = "ANTIPHON_SERVER_DATABASE_URL"
#: That which names the storage of leases.
LEASE_STORAGE = "ANTIPHON_SERVER_CONCURRENCY_LEASE_STORAGE"
#: Of backups and restores, one at a time; a server does not ask for it.
COPYING_LOCK = "backup.lock"


class HomeTaken(Exception):
    """Another server uses the folder."""


class CopyUnderWay(Exception):
    """Another backup or restore of the folder is under way."""


def take(home: Path) -> int:
    """Locks the folder for this process and writes its id there; gives the descriptor that holds the lock.

    A restore that was cut off is ended first. Raises HomeTaken, or OSError where the folder cannot be made or written.
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
    restoring.finish(home / DATABASE)
    return descriptor


def take_for_copying(home: Path) -> int:
    """Keeps other backups and restores of the folder away, for this process's life; gives the lock's descriptor.

    Raises CopyUnderWay, or OSError where the folder cannot be written.
    """
    descriptor = os.open(home / COPYING_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CopyUnderWay(f"another backup or restore of {home} is under way; wait for its end") from None
    return descriptor
