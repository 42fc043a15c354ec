"""Which of the database's errors are the world's fault (a full disk, a connection that is gone) and no bug of ours."""

from typing import Any

from sqlalchemy.exc import DBAPIError

from antiphon_server.domain.errors import AntiphonError, ResourceExhausted, Unavailable

#: Microseconds before a client should try again.
RETRY_AFTER = 1_000_000

#: By SQLite's names and by PostgreSQL's SQLSTATEs (its manual, appendix A), or what they begin with.
_FULL = ("SQLITE_FULL", "53100")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "40001", "40P01", "55P03", "57014")
_BROKEN = (
    *("SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_PERM"),
    # A standby, transactions that were ended from outside, logins, no such database or schema, no right to use it,
    # resources, the system, damage.
    *("25006", "25P03", "28", "3D000", "3F000", "42501", "53", "58", "XX001", "XX002"),
)
#: The connection is gone, or there was none: perhaps just when a commit had been done. Also where PostgreSQL's driver
#: has no SQLSTATE to tell.
_NO_SQLSTATE = "connection"
_LOST = ("08", "57P", _NO_SQLSTATE)


def storage_error(error: Exception) -> AntiphonError | None:
    """The error to answer with, or None where the statement itself was wrong. `error` may be the driver's own."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = _name(cause)
    if name.startswith(_FULL):
        return ResourceExhausted(
            "STORAGE_FULL",
            "the database's disk or quota is full; nothing was written. Free some space, then try again",
            retry_after=RETRY_AFTER,
        )
    if name.startswith(_BUSY):
        return Unavailable(
            "STORAGE_BUSY", "somebody else holds the database; nothing was written", retry_after=RETRY_AFTER
        )
    if name.startswith(_LOST):
        return Unavailable(
            "STORAGE_UNAVAILABLE",
            f"the database cannot be reached ({_line(cause)}); ask again: what was written is answered as it was. "
            "Check that it runs, and that the server reaches it",
            retry_after=RETRY_AFTER,
        )
    if name.startswith(_BROKEN):
        return Unavailable(
            "STORAGE_UNAVAILABLE",
            f"the database cannot be used ({name}: {_line(cause)}); nothing was written. {_advice(name)}",
            retry_after=RETRY_AFTER,
        )
    return None


def without_values(error: BaseException | None) -> None:
    """Takes out of an error, and out of those that led to it, what PostgreSQL says of values that users gave."""
    while error is not None:
        for each in (error, getattr(error, "orig", None)):
            if isinstance(each, BaseException) and (hasattr(each, "sqlstate") or isinstance(each, DBAPIError)):
                each.args = tuple(str(word).split("\nDETAIL:")[0] for word in each.args)
        error = error.__cause__ or error.__context__


def _name(cause: Any) -> str:
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if name is not None:
        return str(name)
    lost = hasattr(cause, "sqlstate") and any(each.__name__ == "OperationalError" for each in type(cause).__mro__)
    return _NO_SQLSTATE if lost else ""


def _line(cause: Any) -> str:
    return " ".join(str(cause).split())


def _advice(name: str) -> str:
    if name.startswith("SQLITE"):
        return "Check that its folder is there, writable and on a healthy disk"
    return "Check its address, its log, and what the server's user may do there"
