"""Before a database is upgraded there is a copy of it, or it stays as it is."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.storage.migrations.upgrade import downgrade
from antiphon_server.storage.schema import HEAD, REVISIONS, prepare
from antiphon_server.storage.sqlite import Sqlite
from antiphon_server.storage.upgrade_backup import KEPT, back_up_before_upgrade
from database_files import flows_in, make_database
from stores import only_sqlite

pytestmark = only_sqlite

BEFORE = REVISIONS[-2]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return take_back(make_database(tmp_path / "antiphon.db", "etl"))


def take_back(database: Path) -> Path:
    """The same database, as the release before had it."""
    engine = Sqlite(database).writer_engine()
    downgrade(engine, BEFORE)
    engine.dispose()
    return database


def open_as_a_server_does(database: Path, **options: Callable[[Path], int]) -> None:
    engine = Sqlite(database).writer_engine()
    try:
        prepare(engine, partial(back_up_before_upgrade, database, **options))
    finally:
        engine.dispose()


def revision_of(database: Path) -> str:
    with closing(sqlite3.connect(database)) as opened:
        revision: str = opened.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    return revision


def copies(database: Path) -> list[Path]:
    return sorted((database.parent / "backups").iterdir())


def test_there_is_a_copy_and_both_are_told(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "antiphon_server"):
        open_as_a_server_does(database)
    (copy,) = copies(database)
    assert copy.name.startswith(f"before-upgrade-{BEFORE}-2")
    assert (revision_of(copy), flows_in(copy)) == (BEFORE, ["etl"])
    assert (revision_of(database), flows_in(database)) == (HEAD, ["etl"])
    assert f"the database has schema {BEFORE}; a copy of it is {copy}" in caplog.text
    assert f"upgraded from schema {BEFORE} to {HEAD}" in caplog.text


def test_one_of_this_release_and_a_new_one_need_none(tmp_path: Path) -> None:
    for _ in range(2):
        open_as_a_server_does(tmp_path / "antiphon.db")
    assert not (tmp_path / "backups").exists()


def test_the_last_few_are_kept_and_nothing_else_is_deleted(database: Path) -> None:
    folder = database.parent / "backups"
    folder.mkdir()
    others = {folder / "antiphon-20200101T000000.000000Z.db", folder / "notes.txt"}
    for other in others:
        other.write_text("mine")
    made: list[Path] = []
    for _ in range(KEPT + 2):
        open_as_a_server_does(database)
        made += [path for path in copies(database) if path not in others and path not in made]
        take_back(database)
    assert set(copies(database)) == {*made[-KEPT:], *others}


def test_without_room_nothing_is_upgraded(database: Path) -> None:
    with pytest.raises(FailedPrecondition) as refused:
        open_as_a_server_does(database, free=lambda _: 1000)
    assert refused.value.reason == "UPGRADE_BACKUP_FAILED"
    for part in (
        f"the database {database} has schema {BEFORE} and is not upgraded to {HEAD}",
        "MB and 0.0 MB are free in",
        "Mend that; or, where you have a backup, start once with `antiphon server start --no-upgrade-backup`",
    ):
        assert part in refused.value.message
    assert (revision_of(database), copies(database)) == (BEFORE, [])


def test_a_folder_that_cannot_be_written_keeps_it_as_it_is(database: Path) -> None:
    (database.parent / "backups").write_text("a file")
    with pytest.raises(FailedPrecondition, match=r"it cannot be backed up first: .*File exists"):
        open_as_a_server_does(database)
    assert revision_of(database) == BEFORE


def test_a_newer_one_is_refused_before_anything_is_copied(database: Path) -> None:
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    with pytest.raises(FailedPrecondition, match="made by a newer one"):
        open_as_a_server_does(database)
    assert not (database.parent / "backups").exists()
