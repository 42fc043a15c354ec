"""Journals survive their writers."""

import signal
import subprocess
import sys
from pathlib import Path

from chaos.journal import Journal, read, read_all

WRITER = """
import os, signal, sys
from pathlib import Path
from chaos.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(1000):
    journal.note("said", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_all_that_was_noted_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "flows-0.17.journal"
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", WRITER, str(path)], env={"PYTHONPATH": str(tests)}, check=False)
    assert done.returncode == -signal.SIGKILL
    entries = list(read(path))
    assert [entry["number"] for entry in entries] == list(range(1000))
    assert {entry["by"] for entry in entries} == {"flows-0.17"}


def test_a_line_that_was_cut_is_none_and_files_are_read_by_time(tmp_path: Path) -> None:
    Journal(tmp_path / "b.journal").note("second", at=2, sync=True)
    Journal(tmp_path / "a.journal").note("third", at=3)
    Journal(tmp_path / "a.journal").note("first", at=1)
    with (tmp_path / "a.journal").open("ab") as file:
        file.write(b'{"what": "cut')
    assert [entry["what"] for entry in read_all(tmp_path)] == ["first", "second", "third"]
