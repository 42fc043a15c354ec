"""Databases of a server as files, for tests of what is done to files."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from antiphon_server.storage.schema import prepare
from antiphon_server.storage.sqlite import Sqlite

_FLOW = "INSERT INTO flows (id, name, tags, create_time, update_time, version) VALUES (?, ?, '[]', 1, 1, 1)"


def make_database(path: Path, *flows: str, cut_off: bool = False) -> Path:
    """A database of this release with flows of these names. `cut_off` leaves it as a server that was killed does: the
    last commits are in the log beside it."""
    work = path.with_name(f"making-{path.name}") if cut_off else path
    engine = Sqlite(work).writer_engine()
    prepare(engine)
    engine.dispose()
    with closing(sqlite3.connect(work)) as database:
        for name in flows:
            database.execute(_FLOW, (f"id of {name}", name))
        database.commit()
        if cut_off:
            for suffix in ("", "-wal"):
                shutil.copy(f"{work}{suffix}", f"{path}{suffix}")
    if cut_off:
        assert Path(f"{path}-wal").stat().st_size > 0
        work.unlink()
    return path


def flows_in(path: Path) -> list[str]:
    """The names of a database's flows."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return sorted(row[0] for row in database.execute("SELECT name FROM flows"))
