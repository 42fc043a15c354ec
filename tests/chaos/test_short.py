"""The short form of `scripts/chaos`: a minute of a real database, servers and SDK processes that fail."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.faults import RATES, Kind, Rate, Shape
from chaos.report import as_dict, in_full, in_words
from chaos.running import Order, run
from conftest import ROOT
from postgresql_cluster import binaries
from tools_needed import miss_tool
from until import until

pytestmark = pytest.mark.timeout(480)

#: More of what is rare, so that a short time has some of it.
OFTEN = RATES | {
    Kind.KILL_REPLICA: Rate(8, 0.2, 1),
    Kind.KILL_PROCESS: Rate(10, 0.1, 0.5),
    Kind.KILL_DATABASE: Rate(3, 0.1, 0.5),
    Kind.STOP_REPLICA: Rate(4, 0.3, 2),
    Kind.ROLL: Rate(0),
}


@pytest.fixture(autouse=True)
def _database() -> None:
    if binaries() is None:
        miss_tool("PostgreSQL is missing: apt-get install postgresql")


def test_nothing_is_lost_doubled_or_left(tmp_path: Path) -> None:
    order = Order(11, 15, Shape(3, 12, 12), OFTEN)
    outcome = run(order, tmp_path, print)
    print(*in_words(as_dict(outcome)), sep="\n")
    assert not outcome.findings, "\n".join(in_full(outcome, tmp_path))
    kinds = {entry["what"] for entry in outcome.evidence.entries}
    assert {"verdict", "begin", "read", "set", "queued", "watched", "picture", "said"} <= kinds


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "chaos", "--minutes", "5", "--replicas", "1", "--processes", "2", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    made = subprocess.Popen(
        [*command, "--folder", str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: len(list((folder / "journals").glob("*.journal"))) == 2, 120)
    return made


def programs_of(folder: Path) -> list[str]:
    """Command lines of processes that have to do with a folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended
        if str(folder).encode() in told and process.name != str(os.getpid()):
            found.append(told[:200].decode(errors="replace"))
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whoever_ends_the_harness_leaves_no_process_behind(tmp_path: Path, how: signal.Signals) -> None:
    harness = started(tmp_path)
    assert len(programs_of(tmp_path)) >= 3
    harness.send_signal(how)
    harness.wait(60)
    until(lambda: not programs_of(tmp_path), 30)


def test_the_plan_can_be_printed_and_the_report_read(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chaos", "--minutes", "1", "--seed", "4", "--plan"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    plans = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in "ab"]
    assert plans[0] == plans[1] and "cut-link" in plans[0]
