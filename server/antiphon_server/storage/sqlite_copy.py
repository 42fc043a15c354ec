"""Copies of an SQLite database: consistent while a server writes, looked over, and whole or not there at all.

The copy is made by SQLite's backup API in one step, which reads one snapshot of the write-ahead log: the writer goes on
meanwhile, and no commit makes the copy begin again, as it would between steps. `VACUUM INTO` reads a snapshot too, but
builds every page anew: measured on 400 MB it takes twice the time, during which the log cannot be shortened.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from antiphon_server.disk import sync_file, sync_folder
from antiphon_server.domain.errors import AlreadyExists, AntiphonError, FailedPrecondition, ResourceExhausted
from antiphon_server.storage.schema import BASE, VERSION_TABLE, check_known

#: Of what people are told how much of it a copy holds.
COUNTED = ("flows", "flow_runs", "task_runs", "deployments", "block_documents")
#: What SQLite keeps beside a database that is in use, or that was not closed.
COMPANIONS = ("-wal", "-shm", "-journal")
#: Of the first pages that are found broken people are told.
_FINDINGS = 3
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database was found to hold."""

    revision: str
    #: Bytes.
    size: int
    #: Rows of each of COUNTED.
    rows: dict[str, int]
    #: Block documents with secrets, which are encrypted.
    secrets: int


def copy_whole(source: Path, part: Path, target: Path, *, replace: bool = False) -> Contents:
    """Copies the database `source` to `target` by way of `part`, a name in the same folder that is ours alone.

    Raises AntiphonError: DATABASE_BROKEN, SCHEMA_UNKNOWN, DATABASE_UNREADABLE, STORAGE_FULL, COPY_EXISTS where there is
    something at `target` and `replace` does not say that it may go. Raises OSError where the folder cannot be written.
    """
    try:
        contents = copy(source, part)
        _place(part, target, replace)
    except BaseException:
        remove(part)
        raise
    sync_folder(target.parent)
    return contents


def copy(source: Path, part: Path) -> Contents:
    """Copies the database to `part`, in place of what a copy that was killed left there, looks it over and has it on
    the disk. Raises as `copy_whole`."""
    remove(part)
    # Not for others' eyes from its first byte on.
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with _explained(source, part), closing(_open(source)) as theirs, closing(_connect(part, "mode=rw")) as ours:
        # It is on the disk before it has its name; until then nobody misses it.
        ours.execute("PRAGMA synchronous=OFF")
        ours.execute("PRAGMA journal_mode=OFF")
        theirs.backup(ours)
        # One file, which can be read where nothing may be written.
        ours.execute("PRAGMA journal_mode=DELETE")
    contents = examine(part, source)
    sync_file(part)
    return contents


def remove(part: Path) -> None:
    """Takes away a copy, and what SQLite may have left beside it."""
    for name in (part.name, *(part.name + suffix for suffix in COMPANIONS)):
        part.with_name(name).unlink(missing_ok=True)


def examine(path: Path, known_as: Path | None = None) -> Contents:
    """Looks over a database that nobody writes: whether it is sound, and ours. `known_as` is what people call it.

    Raises FailedPrecondition: DATABASE_BROKEN, SCHEMA_UNKNOWN, DATABASE_UNREADABLE.
    """
    name = known_as or path
    with _explained(name, path), closing(_connect(path, "mode=ro&immutable=1")) as database:
        findings = [row[0] for row in database.execute(f"PRAGMA integrity_check({_FINDINGS})")]
        if findings != ["ok"]:
            raise _broken(name, "; ".join(findings))
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        revision = _revision(database, tables, name)
        rows = {table: _count(database, table) if table in tables else 0 for table in COUNTED}
        secret = "block_documents WHERE secrets IS NOT NULL"
        return Contents(revision, path.stat().st_size, rows, _count(database, secret) if rows[COUNTED[-1]] else 0)


def secrets_of(path: Path) -> list[bytes]:
    """The secrets of all block documents, as they are kept: encrypted. Nobody may write to the database meanwhile."""
    with _explained(path, path), closing(_connect(path, "mode=ro&immutable=1")) as database:
        return [row[0] for row in database.execute("SELECT secrets FROM block_documents WHERE secrets IS NOT NULL")]


def _count(database: sqlite3.Connection, what: str) -> int:
    count: int = database.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
    return count


def _revision(database: sqlite3.Connection, tables: set[str], name: Path) -> str:
    if VERSION_TABLE not in tables:
        raise FailedPrecondition("SCHEMA_UNKNOWN", f"{name} is no database of Antiphon: it has none of its tables")
    row = database.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    revision: str = row[0] if row else BASE
    check_known(revision, str(name), "name another file")
    return revision


def _place(part: Path, target: Path, replace: bool) -> None:
    if replace:
        os.replace(part, target)
        return
    try:
        # Unlike a rename it fails where somebody made the target meanwhile.
        os.link(part, target)
        part.unlink()
    except FileExistsError:
        raise exists(target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: whoever makes the target between the two lines loses it.
        if os.path.lexists(target):
            raise exists(target) from None
        os.replace(part, target)


def exists(target: Path) -> AlreadyExists:
    """The error where a copy would take the place of something."""
    return AlreadyExists("COPY_EXISTS", f"{target} is there already; name another file, or give --force to replace it")


def _open(source: Path) -> sqlite3.Connection:
    # Beside a backup there is nothing, and it may lie where nothing can be written. A database that is in use, or whose
    # server was killed, has its last commits in the log beside it.
    alone = not any(source.with_name(source.name + suffix).exists() for suffix in COMPANIONS)
    return _connect(source, "mode=ro&immutable=1" if alone and not _is_wal(source) else "mode=rw")


def _is_wal(path: Path) -> bool:
    """Whether the database's commits go to a log beside it, as those of a server's do."""
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.fspath(path))}?{how}", uri=True, isolation_level=None, timeout=10)


@contextmanager
def _explained(source: Path, part: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(error, source, part) from error


def _explain(error: sqlite3.Error, source: Path, part: Path) -> AntiphonError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return ResourceExhausted(
            "STORAGE_FULL",
            f"there is no room for a copy in {part.parent}: its disk or quota is full. Nothing was written. Free some "
            "space, or name another place",
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return _broken(source, str(error))
    return FailedPrecondition(
        "DATABASE_UNREADABLE",
        f"{source} cannot be copied to {part.parent} ({name or type(error).__name__}: {error}). Check that both are on "
        "healthy disks, and that you may read the one and write to the other",
    )


def _broken(name: Path, what: str) -> FailedPrecondition:
    return FailedPrecondition(
        "DATABASE_BROKEN", f"{name} is damaged, or is no SQLite database ({what}). Nothing was written; use a backup"
    )
