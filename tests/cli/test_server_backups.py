"""`antiphon server backup` and `antiphon server restore`, by the real program that does it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from antiphon_server.storage.migrations.upgrade import downgrade
from antiphon_server.storage.schema import HEAD, REVISIONS
from antiphon_server.storage.sqlite import Sqlite
from database_files import flows_in, make_database
from running_server import RunningServer
from world import World

Cli = Callable[..., Result]


@pytest.fixture
def database(home: Path) -> Path:
    home.mkdir()
    return make_database(home / "antiphon.db", "etl")


def failed(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: Nothing was done: ")
    return result.stderr.removeprefix("Error: Nothing was done: ").strip()


def test_there_and_back(antiphon: Cli, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    with RunningServer(home) as server:
        World(server).fill()
        saved = antiphon("server", "backup", str(tmp_path / "copy.db"))
    assert saved.exit_code == 0, saved.stderr
    assert saved.stdout.startswith(f"Backed up to {tmp_path / 'copy.db'}: ")
    assert f"MB, schema {HEAD}, 1 flow, 1 flow run, 1 task run, 1 deployment, 1 block." in saved.stdout
    assert "It was looked over and is sound." in saved.stdout
    assert (
        f"The secrets of 1 block cannot be read with this file alone. Their key is {home}/encryption.key"
        in saved.stderr
    )
    (home / "encryption.key").rename(tmp_path / "encryption.key")
    given = antiphon("server", "backup", str(tmp_path / "other.db"))
    assert "Their key is what the server gets by ANTIPHON_SERVER_ENCRYPTION_KEY: keep" in given.stderr
    restored = antiphon("server", "restore", str(tmp_path / "copy.db"))
    assert restored.exit_code == 0, restored.stderr
    assert restored.stdout.startswith(f"Restored {tmp_path / 'copy.db'}: ")
    assert f"The database of before is {home}/antiphon-replaced-" in restored.stdout
    assert "The secrets of 1 block cannot be read here: this home does not have their key." in restored.stderr


def test_for_programs(antiphon: Cli, database: Path, tmp_path: Path) -> None:
    saved = json.loads(antiphon("server", "backup", str(tmp_path / "copy.db"), "--json").stdout)
    rows = {"flows": 1, "flow_runs": 0, "task_runs": 0, "deployments": 0, "block_documents": 0}
    size = (tmp_path / "copy.db").stat().st_size
    common = {"path": str(tmp_path / "copy.db"), "size": size, "schema_revision": HEAD, "rows": rows, "secrets": 0}
    assert saved == {**common, "key_file": None}
    restored = json.loads(antiphon("server", "restore", str(tmp_path / "copy.db"), "--json").stdout)
    assert flows_in(Path(restored.pop("replaced"))) == ["etl"]
    assert restored == {**common, "database": str(database), "upgraded_to": None, "unreadable_secrets": 0}


def test_nothing_is_overwritten_unless_said(antiphon: Cli, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("mine")
    assert failed(antiphon("server", "backup", str(target))).endswith("or give --force to replace it.")
    assert antiphon("server", "backup", str(target), "--force").exit_code == 0
    assert flows_in(target) == ["etl"]


def test_a_home_without_a_database_is_said(antiphon: Cli, home: Path, tmp_path: Path) -> None:
    assert f"there is no database in {home}" in failed(antiphon("server", "backup"))
    assert "there is no file missing.db." in failed(antiphon("server", "restore", "missing.db"))


@pytest.mark.parametrize("given", ["option", "environment"])
def test_the_commands_for_postgresql_are_said(
    antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    url = "postgresql://me:hush@db:5432/antiphon"
    more = ("--database", url)
    if given == "environment":
        monkeypatch.setenv("ANTIPHON_SERVER_DATABASE_URL", url)
        more = ()
    saved = failed(antiphon("server", "backup", *more))
    assert "pg_dump --format=custom" in saved
    restored = failed(antiphon("server", "restore", "antiphon.dump", *more))
    assert "pg_restore --clean" in restored
    assert "hush" not in saved + restored


def test_a_program_that_dies_is_said(antiphon: Cli, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.cli.server_backups._COMMAND", ("sh", "-c", "exit 9"))
    assert failed(antiphon("server", "backup")) == "the program that does it ended with exit code 9."


def test_an_upgrade_goes_without_a_backup_where_it_is_told_to(antiphon: Cli, database: Path, home: Path) -> None:
    engine = Sqlite(database).writer_engine()
    downgrade(engine, REVISIONS[-2])
    engine.dispose()
    (home / "backups").write_text("a file is in the way")
    start = ("server", "start", "--port", "0", "--background")
    refused = antiphon(*start)
    assert refused.exit_code == 4
    assert "start once with `antiphon server start --no-upgrade-backup`" in refused.stderr
    started = antiphon(*start, "--no-upgrade-backup")
    assert started.exit_code == 0, started.stderr
    assert antiphon("server", "stop").exit_code == 0
    assert flows_in(database) == ["etl"]
