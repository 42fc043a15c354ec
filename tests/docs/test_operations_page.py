"""docs/operations.md: what it says of SQLite, done as it stands there; and all commands of ours on it are there."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from database_files import flows_in
from shipped import check_command

pytestmark = pytest.mark.timeout(300)

PAGE = (ROOT / "docs" / "operations.md").read_text()
#: `sh` is done; `bash` is for machines that are not here.
DONE = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class Shell:
    """One shell, to which the page's lines are given."""

    def __init__(self, folder: Path) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.home = folder / "home"
        self.folder = folder / "work"
        self.folder.mkdir()
        more = {"PATH": binaries, "ANTIPHON_HOME": str(self.home), "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
        self.environment = clean | more

    def give(self, script: str) -> str:
        """What a block prints; each line of it must succeed."""
        done = subprocess.run(
            ["bash", "-ec", script], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    subprocess.run(["antiphon", "server", "stop"], env=made.environment, capture_output=True)


def block(*words: str) -> str:
    (found,) = [text for text in DONE if all(word in text for word in words)]
    return found


def run_flow(shell: Shell, name: str) -> None:
    program = f"from antiphon import flow\n\n\n@flow(name={name!r})\ndef hello(): pass\n\n\nhello()\n"
    (shell.folder / "hello.py").write_text(program)
    shell.give("python hello.py")


def test_the_steps_for_sqlite_do_what_they_say(shell: Shell) -> None:
    start = block("start --host").replace("--port 4200", "--port 0")
    assert "running" in shell.give(start)
    run_flow(shell, "kept")
    saved = shell.give(block("backup nightly.db --force"))
    assert saved.count("1 flow, 1 flow run") == 3
    assert [path.name[:9] for path in (shell.home / "backups").iterdir()] == ["antiphon-"]
    assert flows_in(shell.folder / "nightly.db") == ["kept"]
    run_flow(shell, "since then")
    restored = shell.give(block("restore nightly.db").replace("--background", "--port 0 --background"))
    (aside,) = shell.home.glob("antiphon-replaced-*.db")
    assert str(aside) in restored
    assert flows_in(aside) == ["kept", "since then"]
    assert restored.count("Completed") == 1
    drilled = shell.give(block("drill"))
    assert "Restored drill.db" in drilled
    assert drilled.count("Completed") == 1
    assert not (shell.folder / "drill").exists()
    assert "healthy" in shell.give(block("services ls"))


def test_every_block_that_is_to_be_done_is_done() -> None:
    assert len(DONE) == 5


def test_all_commands_of_ours_are_there() -> None:
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for text in blocks for line in text.splitlines()] + re.findall(r"`(antiphon [^`\n]+)`", PAGE)
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("antiphon ")]
    assert len(commands) > 15
    for words in commands:
        check_command(words)


def test_all_files_that_it_names_are_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
