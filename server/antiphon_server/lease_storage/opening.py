"""From what an operator says to the storage of leases that is meant."""

import importlib

from antiphon_server.application.core import Core
from antiphon_server.application.lease_storage import DatabaseLeaseStorage, LeaseStorage
from antiphon_server.domain.errors import FailedPrecondition, InvalidArgument
from antiphon_server.home import LEASE_STORAGE
from antiphon_server.services.board import Board

_LIBRARY = "redis.asyncio"
_SCHEMES = ("redis://", "rediss://", "unix://")
#: Says outright what is meant where nothing is said.
DATABASE = "database"


def lease_storage_at(place: str, core: Core, board: Board, database_id: str) -> LeaseStorage:
    """The database, or Redis at a URL, whose keys are named by the database's id.

    Raises InvalidArgument (LEASE_STORAGE_INVALID), and FailedPrecondition (REDIS_MISSING) where what it takes is not
    installed. Whether Redis is there is not asked.
    """
    if place in ("", DATABASE):
        return DatabaseLeaseStorage(core)
    # What it is may have a password in it, and is not shown.
    if not place.startswith(_SCHEMES):
        raise _invalid(f"it begins with none of {', '.join(_SCHEMES)}")
    try:
        importlib.import_module(_LIBRARY)
    except ImportError as error:
        raise FailedPrecondition(
            "REDIS_MISSING",
            "leases are to be kept in Redis, and the package redis is not installed: pip install 'antiphon[redis]', or "
            "start the server without --lease-storage",
        ) from error
    lease_set = importlib.import_module("antiphon_server.lease_storage.lease_set")
    module = importlib.import_module("antiphon_server.lease_storage.redis_storage")
    try:
        kept = lease_set.LeaseSet(place, f"antiphon:leases:{database_id}")
    except ValueError as error:
        raise _invalid(str(error)) from None
    storage: LeaseStorage = module.RedisLeaseStorage(core, kept, board)
    return storage


def _invalid(why: str) -> InvalidArgument:
    return InvalidArgument(
        "LEASE_STORAGE_INVALID",
        f"--lease-storage, or {LEASE_STORAGE}, is neither {DATABASE!r} nor a URL of Redis, such as "
        f"redis://:password@host:6379/0: {why}",
    )
