"""`python -m antiphon_server.backup`: copies the database of a home, or puts a copy in its place.

It prints a JSON object of what it did, or says on stderr why it did not. `antiphon server backup` and `antiphon server
restore` ask it.
"""

import argparse
import hashlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from antiphon_server.domain.errors import AntiphonError, FailedPrecondition, NotFound
from antiphon_server.encryption_keys import ENCRYPTION_KEY, KEY_FILE, KeyRing, keys_of
from antiphon_server.home import (
    COPYING_LOCK,
    DATABASE,
    DATABASE_URL,
    LOCK,
    CopyUnderWay,
    HomeTaken,
    take,
    take_for_copying,
)
from antiphon_server.restoring import decided, restore
from antiphon_server.storage import sqlite_copy
from antiphon_server.storage.schema import HEAD
from antiphon_server.storage.sqlite_copy import COMPANIONS, Contents, copy_whole, exists
from antiphon_server.storage.upgrade_backup import FOLDER, stamp

_NICE = 15


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m antiphon_server.backup", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the server whose database it is")
    verbs = parser.add_subparsers(dest="verb", required=True)
    saving = verbs.add_parser("save", help="copy the database, also while the server runs")
    saving.add_argument("path", type=Path, nargs="?", help="file or folder; default: the home's folder of backups")
    saving.add_argument("--force", action="store_true", help="replace a file that is there")
    restoring = verbs.add_parser("restore", help="put a copy in the place of the database")
    restoring.add_argument("path", type=Path, help="the copy")
    return parser.parse_args()


def save(home: Path, path: Path | None, force: bool) -> dict[str, Any]:
    """Copies the home's database. Raises AntiphonError, CopyUnderWay or OSError."""
    database = home / DATABASE
    if not database.exists() and decided(database) is None:
        raise NotFound(
            "DATABASE_NOT_FOUND",
            f"there is no database in {home}. On the machine of the server, set ANTIPHON_HOME to the server's folder",
        )
    take_for_copying(home)
    if decided(database) is not None:
        raise FailedPrecondition(
            "RESTORE_CUT_OFF",
            f"a restore of {home} was cut off. Start the server, which ends it, or restore again; then back up",
        )
    target = _target(home, path)
    _check_target(target, home, force)
    contents = copy_whole(database, target.with_name(_part_of(home)), target, replace=force)
    ring = KeyRing.beside(database, ())
    key_file = str(ring.path) if ring.path is not None and ring.path.exists() else None
    return {"path": str(target), **_found(contents), "key_file": key_file}


def _target(home: Path, path: Path | None) -> Path:
    if path is None:
        path = home / FOLDER
        path.mkdir(mode=0o700, exist_ok=True)
    path = Path(os.path.abspath(path))
    return path / f"antiphon-{stamp()}.db" if path.is_dir() else path


def _part_of(home: Path) -> str:
    """The name of this home's unfinished backups: several homes, of several machines, may share a folder for them."""
    whose = f"{socket.gethostname()}:{os.path.realpath(home)}"
    return f".antiphon-backup-{hashlib.sha256(whose.encode()).hexdigest()[:16]}.part"


def _check_target(target: Path, home: Path, force: bool) -> None:
    of_server = {DATABASE, LOCK, COPYING_LOCK, KEY_FILE, *(DATABASE + suffix for suffix in COMPANIONS)}
    if target.exists() and any((home / name).exists() and target.samefile(home / name) for name in of_server):
        raise FailedPrecondition("COPY_ONTO_ITSELF", f"{target} belongs to the server itself; name another file")
    if os.path.lexists(target) and not force:
        raise exists(target)
    # SQLite would take what is in that log for the copy's.
    if any(target.with_name(target.name + suffix).exists() for suffix in COMPANIONS):
        raise FailedPrecondition(
            "COPY_ONTO_DATABASE",
            f"{target} is a database in use, or was one: {target.name}-wal, -shm or -journal is there. Name another "
            "file",
        )


def put_back(home: Path, path: Path) -> dict[str, Any]:
    """Puts the copy in the place of the home's database. Raises AntiphonError, HomeTaken, CopyUnderWay or OSError."""
    if not path.is_file():
        raise NotFound("COPY_NOT_FOUND", f"there is no file {path}")
    database = home / DATABASE
    if database.exists() and path.samefile(database):
        raise FailedPrecondition("COPY_ONTO_ITSELF", f"{path} is the database of {home} itself; name a backup")
    take(home)
    take_for_copying(home)
    restored = restore(Path(os.path.abspath(path)), database)
    aside = str(restored.aside) if restored.aside is not None else None
    return {
        "path": str(path),
        "database": str(database),
        "replaced": aside,
        **_found(restored.contents),
        "upgraded_to": HEAD if restored.contents.revision != HEAD else None,
        "unreadable_secrets": _unreadable(database) if restored.contents.secrets else 0,
    }


def _unreadable(database: Path) -> int:
    """How many of the secrets a server of this home cannot read with the keys that it would have."""
    keys = KeyRing.beside(database, keys_of(os.environ.get(ENCRYPTION_KEY, ""), ENCRYPTION_KEY)).keys()
    tokens = sqlite_copy.secrets_of(database)
    if not keys:
        return len(tokens)
    fernet = MultiFernet([Fernet(key) for key in keys])
    return sum(not _reads(fernet, token) for token in tokens)


def _reads(fernet: MultiFernet, token: bytes) -> bool:
    try:
        fernet.decrypt(token)
    except InvalidToken:
        return False
    return True


def _found(contents: Contents) -> dict[str, Any]:
    return {
        "size": contents.size,
        "schema_revision": contents.revision,
        "rows": contents.rows,
        "secrets": contents.secrets,
    }


def refuse_postgresql(text: str, verb: str) -> None:
    """PostgreSQL has tools of its own. Raises FailedPrecondition with their commands (DATABASE_IS_POSTGRESQL), or where
    the address is of something else (DATABASE_URL_INVALID); neither names the password."""
    if not text:
        return
    try:
        url = make_url(text)
    except ArgumentError:
        raise _unknown_address() from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise _unknown_address()
    name = _for_tools(url)
    say = {
        "save": f"Back it up, also while servers run, with: pg_dump --format=custom --file=antiphon.dump '{name}'",
        "restore": "Stop all its servers, then: pg_restore --clean --if-exists --single-transaction "
        f"--no-owner --dbname='{name}' antiphon.dump",
    }
    raise FailedPrecondition(
        "DATABASE_IS_POSTGRESQL",
        f"the server keeps its data in PostgreSQL ({name}), whose own tools do this. {say[verb]} (they ask for the "
        "password, or take it from PGPASSWORD or ~/.pgpass)",
    )


def _unknown_address() -> FailedPrecondition:
    return FailedPrecondition(
        "DATABASE_URL_INVALID",
        f"the address of the database, by --database or {DATABASE_URL}, does not begin with postgresql://. Without one "
        "it is the SQLite database of the home",
    )


def _for_tools(url: URL) -> str:
    """As libpq takes it: without the driver, and without the password, which others on the machine could see."""
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string()


def main() -> int:
    options = arguments()
    try:
        refuse_postgresql(os.environ.get(DATABASE_URL, ""), options.verb)
        if options.verb == "save":
            # It may take its time; whoever waits for a server's answer may not.
            os.nice(_NICE)
            done = save(options.home, options.path, options.force)
        else:
            done = put_back(options.home, options.path)
    except (AntiphonError, CopyUnderWay, HomeTaken, OSError) as error:
        print(f"{error}{_next_step(error)}", file=sys.stderr)
        return 1
    print(json.dumps(done))
    return 0


def _next_step(error: Exception) -> str:
    return ". Stop it first with `antiphon server stop`" if isinstance(error, HomeTaken) else ""


if __name__ == "__main__":
    sys.exit(main())
