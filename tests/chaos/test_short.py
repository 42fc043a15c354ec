"""The short form of `scripts/chaos`: a minute of a real database, servers and SDK processes that fail."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.journal import read_all
from conftest import ROOT
from postgresql_cluster import binaries
from tools_needed import miss_tool
from until import until

pytestmark = pytest.mark.timeout(480)

#: As `scripts/chaos` has it.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "tests"), "GRPC_ENABLE_FORK_SUPPORT": "0"}
CHAOS = (sys.executable, "-m", "chaos")


@pytest.fixture(autouse=True)
def _database() -> None:
    if binaries() is None:
        miss_tool("PostgreSQL is missing: apt-get install postgresql")


def test_nothing_is_lost_doubled_or_left(tmp_path: Path) -> None:
    options = ["--minutes", "0.25", "--often", "--seed", "11", "--processes", "12", "--folder", str(tmp_path)]
    told = subprocess.run([*CHAOS, *options], env=ENVIRONMENT, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    kinds = {entry["what"] for entry in read_all(tmp_path / "journals")}
    assert {"verdict", "begin", "read", "set", "queued", "watched", "picture", "said"} <= kinds


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [*CHAOS, "--minutes", "5", "--replicas", "1", "--processes", "2", *arguments]
    made = subprocess.Popen(
        [*command, "--folder", str(folder)],
        env=ENVIRONMENT,
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
    command = [*CHAOS, "--minutes", "1", "--seed", "4", "--plan"]
    plans = [subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout for _ in "ab"]
    assert plans[0] == plans[1] and "cut-link" in plans[0]
