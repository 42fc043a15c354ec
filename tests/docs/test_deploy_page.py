"""docs/deploy.md: the tutorial, done as it stands there."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

pytestmark = pytest.mark.timeout(600)

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE | re.DOTALL)
FILES = {"python": "flows.py", "yaml": "antiphon.yaml"}
WORKER = "antiphon worker start"


class Terminal:
    """Where the commands of the page are given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "shop"
        self._folder.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        more = {"PATH": binaries, "ANTIPHON_HOME": str(folder / "home"), "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
        self._environment = environment | more
        self._worker: subprocess.Popen[str] | None = None

    def write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def read(self, name: str) -> str:
        return (self._folder / name).read_text()

    def give(self, command: str) -> str:
        """What it prints; the worker stays behind."""
        if command.startswith(WORKER):
            log = (self._folder.parent / "worker.log").open("w")
            self._worker = subprocess.Popen(
                command.split(), cwd=self._folder, env=self._environment, stdout=log, stderr=log, text=True
            )
            return ""
        done = subprocess.run(
            ["bash", "-ec", command], cwd=self._folder, env=self._environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def close(self) -> None:
        """Ends the worker as Ctrl-C does, and the server."""
        try:
            if self._worker is not None:
                self._worker.send_signal(signal.SIGINT)
                assert self._worker.wait(60) == 0
        finally:
            if self._worker is not None:
                self._worker.kill()
            subprocess.run(["antiphon", "server", "stop"], env=self._environment, check=True, capture_output=True)


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    said: list[tuple[str, str]] = []
    try:
        for kind, text in BLOCKS:
            if kind in FILES:
                terminal.write(FILES[kind], text)
                continue
            for command in text.splitlines():
                if command.endswith("deploy --all --dry-run"):
                    terminal.write("antiphon.yaml", terminal.read("antiphon.yaml").replace("shop: south", "shop: west"))
                said.append((command, terminal.give(command)))
        refused = subprocess.run(
            ["antiphon", "deployment", "run", "sales/nightly", "--param", "day=tomorrow"],
            env=terminal._environment,
            capture_output=True,
            text=True,
        )
    finally:
        terminal.close()

    def output(*words: str) -> str:
        (found,) = [text for command, text in said if all(word in command for word in words)]
        return found

    first, second = [text for command, text in said if command == "antiphon deploy --all"]
    assert "sales/nightly is made" in first
    assert "sales/nightly is changed" in second
    assert output("preview").count("03:30:00") >= 5
    assert re.search(r"flow run \S+ +Completed", output("--param day=2026-11-01"))
    assert "31 flow runs would be made" in output("backfill", "--dry-run")
    assert "31 of 31 flow runs handled; 31 done" in output("backfill", "--watch")
    assert output("flow-run ls").count("Completed") == 31
    assert "south" in output("deploy --all --dry-run")
    assert "west" in output("deploy --all --dry-run")
    assert re.findall(r"^\*? *(\d+)", output("versions"), re.MULTILINE) == ["2", "1"]
    assert output("services ls").count("healthy") >= 6
    assert "online" in output("worker ls")
    assert (refused.returncode, "day" in refused.stderr) == (1, True), refused.stderr
