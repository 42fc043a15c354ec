"""A restore leaves the database of before or the new one, whatever kills it, and never loses the one of before."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from antiphon_server import restoring
from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.home import COPYING_LOCK, DATABASE, LOCK, CopyUnderWay, HomeTaken, take, take_for_copying
from antiphon_server.restoring import restore
from database_files import flows_in, make_database
from killed_at import MOST, run_killed
from stores import only_sqlite

pytestmark = only_sqlite

IMPORTS = """
from pathlib import Path
from antiphon_server.home import take
from antiphon_server.restoring import restore
"""
RESTORE = """
home = Path(sys.argv[2])
take(home)
restore(Path(sys.argv[3]), home / "antiphon.db")
"""
TAKE = "take(Path(sys.argv[2]))"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return make_database(tmp_path / "backup.db", "restored")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With a database whose last commits are in the log beside it."""
    home = tmp_path / "home"
    home.mkdir()
    make_database(home / DATABASE, "of before", cut_off=True)
    return home


def others(home: Path) -> set[str]:
    """The files of a home besides its locks."""
    return {path.name for path in home.iterdir()} - {LOCK, COPYING_LOCK}


def test_the_database_of_before_is_kept_aside_with_its_log(home: Path, backup: Path) -> None:
    restored = restore(backup, home / DATABASE)
    assert restored.aside is not None
    assert restored.contents.rows["flows"] == 1
    assert flows_in(home / DATABASE) == ["restored"]
    assert flows_in(restored.aside) == ["of before"]
    assert others(home) == {DATABASE, restored.aside.name}
    # It is a backup like another.
    again = restore(restored.aside, home / DATABASE)
    assert flows_in(home / DATABASE) == ["of before"]
    assert again.aside is not None
    assert flows_in(again.aside) == ["restored"]


def test_a_home_without_a_database_gets_one(tmp_path: Path, backup: Path) -> None:
    home = tmp_path / "new"
    home.mkdir()
    assert restore(backup, home / DATABASE).aside is None
    assert flows_in(home / DATABASE) == ["restored"]
    assert others(home) == {DATABASE}


def test_a_database_that_is_broken_is_kept_as_it_is(home: Path, backup: Path) -> None:
    (home / DATABASE).write_bytes(b"broken")
    log = (home / f"{DATABASE}-wal").read_bytes()
    restored = restore(backup, home / DATABASE)
    assert restored.aside is not None
    assert restored.aside.read_bytes() == b"broken"
    assert Path(f"{restored.aside}-wal").read_bytes() == log
    assert flows_in(home / DATABASE) == ["restored"]


def test_what_cannot_be_restored_changes_nothing(home: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("Dear aunt, " * 1000)
    before = {path: path.read_bytes() for path in home.iterdir()}
    with pytest.raises(FailedPrecondition, match="is damaged, or is no SQLite database"):
        restore(letter, home / DATABASE)
    assert {path: path.read_bytes() for path in home.iterdir()} == before


def test_killed_at_any_step_it_leaves_the_one_or_the_other(home: Path, backup: Path, tmp_path: Path) -> None:
    """Each step is tried; then the next server takes the home, and is killed at each of its steps too."""
    outcomes: list[str] = []
    for step in range(1, MOST):
        tried = tmp_path / f"tried-{step}"
        shutil.copytree(home, tried)
        ended = run_killed(step, IMPORTS, RESTORE, str(tried), str(backup))
        if restoring.decided(tried / DATABASE) is not None:
            kill_those_who_take_it(tried, tmp_path / "again")
        os.close(take(tried))
        (flow,) = flows_in(tried / DATABASE)
        asides = list(tried.glob("antiphon-replaced-*.db"))
        assert [flows_in(path) for path in asides] == ([["of before"]] if flow == "restored" else [])
        left = {name for name in others(tried) if not name.endswith(("-wal", "-shm"))}
        assert left == {DATABASE, *(path.name for path in asides)}
        outcomes.append(flow)
        if ended:
            break
    else:
        pytest.fail(f"it has more than {MOST} steps")
    assert outcomes == sorted(outcomes), "from a step on it is the new one"
    assert outcomes.count("of before") > 3
    assert outcomes.count("restored") > 3


def kill_those_who_take_it(cut_off: Path, tried: Path) -> None:
    """Whoever ends the restore may be killed too, at each step; whoever comes then ends it."""
    for step in range(1, MOST):
        shutil.copytree(cut_off, tried)
        ended = run_killed(step, IMPORTS, TAKE, str(tried))
        os.close(take(tried))
        assert flows_in(tried / DATABASE) == ["restored"]
        (aside,) = tried.glob("antiphon-replaced-*.db")
        assert flows_in(aside) == ["of before"]
        shutil.rmtree(tried)
        if ended:
            return
    pytest.fail(f"it has more than {MOST} steps")


def test_a_second_database_of_a_home_is_not_lost(home: Path, backup: Path) -> None:
    """A server of a release that knows nothing of restores may have started where one was cut off."""
    restore(backup, home / DATABASE)
    (aside,) = home.glob("antiphon-replaced-*.db")
    moment = aside.name.removeprefix("antiphon-replaced-")
    shutil.copy(backup, home / f".antiphon-restored-{moment}")
    with pytest.raises(OSError, match="move one of them to another folder"):
        take(home)
    assert flows_in(aside) == ["of before"]
    assert flows_in(home / DATABASE) == ["restored"]


def test_one_at_a_time(home: Path) -> None:
    script = "import sys; from pathlib import Path; from antiphon_server.home import {0}; {0}(Path(sys.argv[1])); "
    script += "print('mine', flush=True); sys.stdin.read()"
    for function, error in ((take, HomeTaken), (take_for_copying, CopyUnderWay)):
        other = subprocess.Popen(
            [sys.executable, "-c", script.format(function.__name__), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(error):
            function(home)
        other.communicate()
        os.close(function(home))


def test_a_copy_with_a_log_beside_it_is_restored_with_it(home: Path, tmp_path: Path) -> None:
    """Somebody copied the files of a server that was killed, by hand."""
    copy = make_database(tmp_path / "by-hand.db", "in the log", cut_off=True)
    restore(copy, home / DATABASE)
    assert flows_in(home / DATABASE) == ["in the log"]


def test_readers_of_the_file_that_was_there_see_that_one(home: Path, backup: Path) -> None:
    with closing(sqlite3.connect(home / DATABASE)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT name FROM flows").fetchall() == [("of before",)]
        restore(backup, home / DATABASE)
        assert reader.execute("SELECT name FROM flows").fetchall() == [("of before",)]
