"""Which of the database's errors are the world's fault (a full disk, a read-only folder) and not a bug of ours."""

from sqlalchemy.exc import DBAPIError

from antiphon_server.domain.errors import AntiphonError, ResourceExhausted, Unavailable

#: Microseconds before a client should try again.
RETRY_AFTER = 1_000_000

_FULL = ("SQLITE_FULL",)
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_BROKEN = ("SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_PERM")


def storage_error(error: Exception) -> AntiphonError | None:
    """The error to answer with, or None where the statement itself was wrong. `error` may be the driver's own."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", "")
    if name.startswith(_FULL):
        return ResourceExhausted(
            "STORAGE_FULL",
            "the database's disk or quota is full; nothing was written. Free some space, then try again",
            retry_after=RETRY_AFTER,
        )
    if name.startswith(_BUSY):
        return Unavailable(
            "STORAGE_BUSY", "another process holds the database; nothing was written", retry_after=RETRY_AFTER
        )
    if name.startswith(_BROKEN):
        return Unavailable(
            "STORAGE_UNAVAILABLE",
            f"the database cannot be used ({name}: {cause}); nothing was written. Check that its folder is "
            "there, writable and on a healthy disk",
            retry_after=RETRY_AFTER,
        )
    return None
