"""Copies are consistent, whole, looked over and nobody else's to read; what cannot be copied is said."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from antiphon_server.domain.errors import AlreadyExists, AntiphonError, FailedPrecondition, ResourceExhausted
from antiphon_server.storage import sqlite_copy
from antiphon_server.storage.schema import HEAD
from antiphon_server.storage.sqlite_copy import copy_whole, examine
from database_files import flows_in, make_database
from killed_at import MOST, run_killed
from stores import only_sqlite

pytestmark = only_sqlite

#: Copies the first argument to the second, with at most so many bytes in a file as the third says.
BOUNDED = """
import resource, signal, sys
from pathlib import Path
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.storage.sqlite_copy import copy_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
source, target = map(Path, sys.argv[1:3])
try:
    copy_whole(source, target.with_name("part"), target)
except AntiphonError as error:
    print(error.reason, error)
"""

COPYING = "from pathlib import Path; from antiphon_server.storage.sqlite_copy import copy_whole"
COPY = "copy_whole(Path(sys.argv[2]), Path(sys.argv[3]).with_name('part'), Path(sys.argv[3]))"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_database(tmp_path / "antiphon.db", "etl", "sales")


def copied(source: Path, target: Path, **options: bool) -> sqlite_copy.Contents:
    return copy_whole(source, target.with_name("part"), target, **options)


def refusal(source: Path, target: Path, kind: type[AntiphonError] = FailedPrecondition) -> AntiphonError:
    """Why there is no copy, of which nothing stays behind."""
    before = sorted(target.parent.iterdir())
    with pytest.raises(kind) as refused:
        copied(source, target)
    assert sorted(target.parent.iterdir()) == before
    return refused.value


def test_a_copy_is_one_file_with_all_that_was_committed(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    with closing(sqlite3.connect(database)) as server:
        server.execute("UPDATE flows SET name = 'in the log' WHERE name = 'etl'")
        server.commit()
        server.execute("UPDATE flows SET name = 'not committed' WHERE name = 'sales'")
        contents = copied(database, target)
    assert list(target.parent.iterdir()) == [target]
    assert flows_in(target) == ["in the log", "sales"]
    assert (contents.revision, contents.size, contents.secrets) == (HEAD, target.stat().st_size, 0)
    assert contents.rows == {"flows": 2, "flow_runs": 0, "task_runs": 0, "deployments": 0, "block_documents": 0}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_copy_can_be_looked_at_and_copied_where_nothing_may_be_written(database: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    copied(database, kept / "copy.db")
    kept.chmod(0o500)
    try:
        assert examine(kept / "copy.db").rows["flows"] == 2
        copied(kept / "copy.db", tmp_path / "again.db")
    finally:
        kept.chmod(0o700)
    assert flows_in(tmp_path / "again.db") == ["etl", "sales"]
    assert list(kept.iterdir()) == [kept / "copy.db"]


def test_copies_made_while_a_server_writes_are_each_of_one_moment(database: Path, tmp_path: Path) -> None:
    """Each transaction changes every row to one value; a copy that mixes two moments has two of them."""
    with closing(sqlite3.connect(database)) as filling:
        for number in range(2000):
            values = (f"filler {number}", f"{number:0500}")
            filling.execute("INSERT INTO flows VALUES (?, ?, '[]', 1, 1, 1)", values)
        filling.commit()
    stop, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        with closing(sqlite3.connect(database, timeout=30)) as writer:
            writer.execute("PRAGMA synchronous=OFF")
            while not stop.is_set():
                written += 1
                writer.execute("UPDATE flows SET version = ?", (written,))
                writer.commit()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = []
        for number in range(10):
            target = tmp_path / f"copy-{number}.db"
            copied(database, target)
            with closing(sqlite3.connect(target)) as copy:
                seen += copy.execute("SELECT DISTINCT version FROM flows").fetchall()
    finally:
        stop.set()
        thread.join()
    assert len(seen) == 10, seen
    assert seen == sorted(seen)
    assert seen[-1][0] <= written


def test_the_log_of_a_server_that_was_killed_is_part_of_its_database(tmp_path: Path) -> None:
    source = make_database(tmp_path / "antiphon.db", "etl", cut_off=True)
    copied(source, tmp_path / "copy.db")
    assert flows_in(tmp_path / "copy.db") == ["etl"]


def test_what_is_there_is_kept_unless_it_may_go(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("mine")
    error = refusal(database, target, AlreadyExists)
    assert "copy.db is there already; name another file, or give --force" in error.message
    assert target.read_text() == "mine"
    copied(database, target, replace=True)
    assert flows_in(target) == ["etl", "sales"]


def test_what_is_there_is_kept_where_there_are_no_hard_links(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    target = tmp_path / "copy.db"
    copied(database, target)
    assert flows_in(target) == ["etl", "sales"]
    refusal(database, target, AlreadyExists)


def test_what_a_copy_that_was_killed_left_is_cleared_away(database: Path, tmp_path: Path) -> None:
    for suffix in ("", "-journal", "-wal"):
        (tmp_path / f"part{suffix}").write_text("half")
    copied(database, tmp_path / "copy.db")
    assert flows_in(tmp_path / "copy.db") == ["etl", "sales"]
    assert not list(tmp_path.glob("part*"))


def test_killed_at_any_step_there_is_a_whole_copy_or_none(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    outcomes: list[bool] = []
    for step in range(1, MOST):
        ended = run_killed(step, COPYING, COPY, str(database), str(target))
        outcomes.append(target.exists())
        if target.exists():
            assert flows_in(target) == ["etl", "sales"]
            target.unlink()
        copied(database, target)
        assert list(target.parent.iterdir()) == [target], "the next copy clears away what it left"
        target.unlink()
        if ended:
            break
    else:
        pytest.fail(f"it has more than {MOST} steps")
    assert outcomes == sorted(outcomes), "from a step on it is there"
    assert outcomes.count(False) > 3


def test_a_full_disk_is_told_and_nothing_is_left(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(database), str(target), "100000"], capture_output=True, text=True
    )
    assert done.stdout.startswith(("STORAGE_FULL", "DATABASE_UNREADABLE")), done
    assert str(target.parent) in done.stdout
    assert list(target.parent.iterdir()) == []


def test_the_words_about_a_full_disk(tmp_path: Path) -> None:
    class Full(sqlite3.OperationalError):
        sqlite_errorname = "SQLITE_FULL"

    error = sqlite_copy._explain(Full("database or disk is full"), tmp_path / "a.db", tmp_path / "backups" / "part")
    assert isinstance(error, ResourceExhausted)
    assert f"no room for a copy in {tmp_path / 'backups'}" in error.message
    assert "Free some space, or name another place" in error.message


def test_a_database_with_broken_pages_is_not_copied(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as server:
        server.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = bytearray(database.read_bytes())
    whole[4096 * 20 : 4096 * 40] = b"\xff" * 4096 * 20
    database.write_bytes(whole)
    error = refusal(database, tmp_path / "copy.db")
    assert error.reason == "DATABASE_BROKEN"
    assert f"{database} is damaged" in error.message


def test_what_is_no_database_is_not_copied(tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("This is a letter to my aunt.\n" * 1000)
    error = refusal(letter, tmp_path / "copy.db")
    assert error.reason == "DATABASE_BROKEN"
    assert "is no SQLite database" in error.message


def test_what_is_another_programs_database_is_not_copied(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        theirs.execute("CREATE TABLE theirs (id INTEGER)")
    error = refusal(tmp_path / "theirs.db", tmp_path / "copy.db")
    assert (error.reason, "no database of Antiphon" in error.message) == ("SCHEMA_UNKNOWN", True)


def test_what_a_newer_release_made_is_not_copied(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    error = refusal(database, tmp_path / "copy.db")
    assert error.reason == "SCHEMA_UNKNOWN"
    assert "schema 9999" in error.message
    assert "Install that release" in error.message
