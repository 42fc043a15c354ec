"""The demo, as a newcomer runs it: its tables, its plot, its run tree, and the lines that it says to try."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from antiphon.embedded_server import read_pid, wait_for_leaving

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Demo:
    """What one run of the demo said, and where it left things."""

    said: str
    folder: Path
    environment: dict[str, str]

    def lines(self, word: str) -> list[str]:
        """The command lines that it says to try and that have `word` in them."""
        found = [line.strip() for line in self.section("Look for yourself").splitlines() if word in line]
        return [line for line in found if not line.startswith("#")]

    def section(self, heading: str) -> str:
        """What stands under a heading that begins so."""
        found = re.search(rf"^{heading}[^\n]*──\n(.*?)(?=^[^\n]* ──|\Z)", self.said, re.MULTILINE | re.DOTALL)
        assert found, f"there is no heading {heading!r} in\n{self.said}"
        return found[1]

    def run(self, line: str) -> str:
        """What a command line prints. It must succeed."""
        process = subprocess.run(
            shlex.split(line), env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert process.returncode == 0, f"{line}\n{process.stdout}{process.stderr}"
        return process.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("plot")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
    environment = kept | {"ANTIPHON_HOME": str(home), "PYTHONPATH": str(ROOT / "examples")}
    command = [sys.executable, str(ROOT / "scripts" / "lib" / "demo.py"), "--folder", str(folder)]
    try:
        process = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert process.returncode == 0, process.stdout + process.stderr
        yield Demo(process.stdout, folder, environment)
    finally:
        pid = read_pid(home)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            wait_for_leaving(home, 30)


def test_the_tables_have_every_month_and_state(demo: Demo) -> None:
    months = re.findall(r"│ (\w+) +│ +[\d.]+ │ +[\d.]+ │ +\d+ │ +(\d+)% │", demo.said)
    assert len(months) == 12
    assert dict(months)["July"] == "93"
    assert max(months, key=lambda month: int(month[1]))[0] == "July"
    assert re.search(r"│ WA +│ +\d+ │ Renton Municipal +│ +9 │", demo.said)
    assert re.search(r"│ MT +│", demo.said)


def test_the_plot_is_a_picture(demo: Demo) -> None:
    plot = (demo.folder / "seattle_weather.png").read_bytes()
    assert plot.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(plot) > 20_000
    assert str(demo.folder / "seattle_weather.png") in demo.said


def test_the_tree_has_tasks_retries_and_the_nested_flow(demo: Demo) -> None:
    tree = demo.section("Its run, as the server remembers it")
    assert "seattle-weather" in tree and "airports-within-reach" in tree
    for number in range(1, 13):
        assert f"summarize-month-{number} " in tree
    for code in ("WA", "OR", "ID", "MT"):
        assert f"summarize-state-{code}" in tree
    assert re.search(r"read-year-2013.*attempt 4", tree)
    assert "Failed" not in tree and "Running" not in tree


def test_the_second_run_is_cached(demo: Demo) -> None:
    said = demo.section("The same job again")
    states = {state: int(count) for count, state in re.findall(r"(\d+) (\w+)[,\n]", said)}
    assert set(states) == {"Cached", "Completed"}
    # Four years, twelve months, and the airports.
    assert states["Cached"] >= 17
    first, second = re.search(r"It took ([\d.]+) s instead of ([\d.]+) s", said).groups()[::-1]  # type: ignore[union-attr]
    assert float(second) < float(first)


def test_the_transaction_rolls_back_and_takes_its_file_away(demo: Demo) -> None:
    said = demo.section("A transaction that rolls back")
    assert "Failed: ValueError: 284.5 mm of rain in 2015-12" in said
    assert "write_rain-0: RolledBack" in said and "check_rain-0: Failed" in said
    assert f"{demo.folder / 'seattle_rain.csv'}: gone again" in said
    assert not (demo.folder / "seattle_rain.csv").exists()


def test_the_artifact_is_shown_by_the_command_line(demo: Demo) -> None:
    said = demo.section("Something to show")
    assert re.search(r"^\$ .*antiphon artifact inspect seattle-best-months$", said, re.MULTILINE)
    assert re.search(r"^# Fly in these months\n\n.*\n.*\n\| July \| 93% \| 26.0 \|", said, re.MULTILINE)


def test_the_pause_is_answered_by_the_command_line(demo: Demo) -> None:
    said = demo.section("A pause, and its answer")
    assert re.search(r"^\$ .*antiphon flow-run resume [\w-]{36} --input", said, re.MULTILINE)
    assert "The flow returned: 4 seats in July are booked" in said


def test_all_of_it_is_short(demo: Demo) -> None:
    job, everything = re.search(r"The job took ([\d.]+) s, all of this ([\d.]+) s", demo.said).groups()  # type: ignore[union-attr]
    assert float(job) < float(everything) < 60  # 15 on a machine of its own


def test_the_antiphon_lines_work(demo: Demo) -> None:
    lines = demo.lines("antiphon flow-run")
    assert [line.split()[2] for line in lines] == ["inspect", "logs", "ls"]
    inspected, logged, listed = (demo.run(line) for line in lines)
    assert "seattle-weather" in inspected and "read-year-2013" in inspected
    assert "1461 days from 2012-01-01 to 2015-12-31" in logged
    assert "seattle-weather" in listed


def test_the_grpcurl_lines_work(demo: Demo, grpcurl: str) -> None:
    lines = demo.lines("grpcurl -plaintext")
    services, described, got = (demo.run(shlex.join([grpcurl, *shlex.split(line)[1:]])) for line in lines)
    assert "antiphon.v1.SessionService" in services.split()
    assert "message FlowRun" in described
    # Releases of grpcurl differ in how they write names: flow_run or flowRun.
    (run,) = json.loads(got).values()
    assert run["state"]["type"] == "STATE_TYPE_COMPLETED"
