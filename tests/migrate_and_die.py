"""Opens copies of a database as a server does, each in a process that kills itself: before the first statement, before
the second, and so on, COMMIT among them, until one comes to its end.

`python migrate_and_die.py DATABASE`, which need not be there, prints a JSON list of what each left behind.
"""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401 - loaded once, and not by each of the processes
from sqlalchemy import event

import antiphon_server.storage.migrations.upgrade  # noqa: F401 - likewise
from antiphon_server.storage.schema import VERSION_TABLE, prepare
from antiphon_server.storage.sqlite import Sqlite


def open_and_die(database: Path, step: int) -> None:
    engine = Sqlite(database).writer_engine()
    steps = 0

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    prepare(engine)
    os._exit(0)


def left_behind(path: Path) -> dict[str, Any]:
    """All that is in a database: digests of the schema and the rows, which are the same where nothing has changed."""
    with closing(sqlite3.connect(path)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        schema = database.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name, sql").fetchall()
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(tables)}
        sound = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    revision = rows[VERSION_TABLE][0][0] if rows else None
    return {"revision": revision, "sound": sound, "schema": digest(schema), "rows": digest(rows)}


def digest(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()


def main() -> None:
    source = Path(sys.argv[1])
    found: list[dict[str, Any]] = []
    killed = True
    while killed:
        step = len(found) + 1
        copy = source.with_name(f"{source.name}.{step}")
        if source.exists():
            shutil.copy(source, copy)
        child = os.fork()
        if child == 0:
            open_and_die(copy, step)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert killed or status == 0, status
        found.append(left_behind(copy))
        copy.unlink()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
