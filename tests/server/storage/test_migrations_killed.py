"""A server that is killed while it makes or migrates a database leaves the old schema or the new one, never a mix."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon_server.storage.migrations.upgrade import upgrade
from antiphon_server.storage.schema import HEAD, REVISIONS
from antiphon_server.storage.sqlite import Sqlite
from conftest import ROOT
from filled_tables import fill
from stores import only_sqlite

pytestmark = [pytest.mark.timeout(300), only_sqlite]


def attempts(database: Path) -> list[dict[str, Any]]:
    """What servers left behind that were killed one statement later each; the last one was not killed."""
    program = ROOT / "tests" / "migrate_and_die.py"
    done = subprocess.run([sys.executable, str(program), str(database)], capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert all(each["sound"] for each in found)
    return found


@pytest.mark.parametrize("revision", ["0001", *REVISIONS[-3:-1]])
def test_killed_at_any_statement_of_an_upgrade_it_is_the_old_or_the_new_one(tmp_path: Path, revision: str) -> None:
    database = tmp_path / "antiphon.db"
    engine = Sqlite(database).writer_engine()
    upgrade(engine, revision)
    fill(engine)
    engine.dispose()
    *killed, whole = attempts(database)
    assert whole["revision"] == HEAD
    old = [each for each in killed if each["revision"] == revision]
    new = [each for each in killed if each["revision"] == HEAD]
    # The new one comes with the COMMIT; after that a server still looks for its key.
    assert [each["revision"] for each in killed] == [revision] * len(old) + [HEAD] * len(new)
    assert len(old) > 5
    assert 0 < len(new) < 10
    assert all(each == old[0] for each in old), "not a byte of it is changed"
    assert {each["schema"] for each in new} == {whole["schema"]}


def test_killed_at_any_statement_a_new_database_is_empty_or_whole(tmp_path: Path) -> None:
    *killed, whole = attempts(tmp_path / "antiphon.db")
    assert whole["revision"] == HEAD
    assert {(each["revision"], each["schema"]) for each in killed if each["revision"] is not None} == {
        (HEAD, whole["schema"])
    }
    empty = [each for each in killed if each["revision"] is None]
    assert len(empty) > 20
    assert all(each == empty[0] for each in empty)
