"""`antiphon shell watch`: a command of the shell as a flow run."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import Result

from cli_transcripts import BINARY
from until import until
from world import World

Cli = Callable[..., Result]


@pytest.fixture
def long(world: World, home: Path, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A command that goes on, and so does a process that it started; both once the run is there."""
    pids = tmp_path / "pids"
    command = f"sleep 600 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
    process = subprocess.Popen(
        [BINARY, "shell", "watch", command, "--flow-run-name", "long"], stderr=subprocess.PIPE, text=True
    )
    try:
        until(pids.exists)
        yield process
    finally:
        process.kill()
        process.communicate()
        for id in pids.read_text().split() if pids.exists() else ():
            with suppress(ProcessLookupError):
                os.kill(int(id), signal.SIGKILL)


def lives(process_id: int) -> bool:
    """Whether a process goes on; one that nobody has waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process_id}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_cancelled_run_ends_the_command(world: World, long: "subprocess.Popen[str]", tmp_path: Path) -> None:
    child, shell = map(int, (tmp_path / "pids").read_text().split())
    assert lives(child)
    (run,) = world.call("ListFlowRuns").flow_runs
    world.call("CancelFlowRun", {"id": run.id})
    _, said = long.communicate(timeout=60)
    assert long.returncode == 5, said
    until(lambda: not lives(child) and not lives(shell))
    (run,) = world.call("ListFlowRuns").flow_runs
    assert run.state.name == "Cancelled"


def test_ctrl_c_ends_it_too(world: World, long: "subprocess.Popen[str]", tmp_path: Path) -> None:
    child, shell = map(int, (tmp_path / "pids").read_text().split())
    os.kill(long.pid, signal.SIGINT)
    _, said = long.communicate(timeout=60)
    assert long.returncode == 130, said
    until(lambda: not lives(child) and not lives(shell))


def test_output_is_kept_and_shown_as_asked(world: World, home: Path) -> None:
    def watch(*options: str) -> str:
        command = [BINARY, "shell", "watch", "printf 'one\\ntwo'; printf '\\377' >&2", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def kept(name: str) -> set[str]:
        run = world.call("ListFlowRuns", {"filter": f'name = "{name}"'}).flow_runs[0]
        lines = world.call("ListLogs", {"filter": f'flow_run_id = "{run.id}" AND logger = "antiphon.flow_runs.shell"'})
        return {line.message for line in lines.logs}

    assert watch("--flow-run-name", "both", "--tag", "x") == "one\ntwo\n"
    assert kept("both") == {"one", "two", "\ufffd"}
    assert watch("--flow-run-name", "shown", "--no-log-output") == "one\ntwo\n"
    assert kept("shown") == set()
    assert watch("--flow-run-name", "quiet", "--no-stream-stdout") == ""
    assert kept("quiet") == {"one", "two", "\ufffd"}
    assert [run.name for run in world.call("ListFlowRuns", {"filter": 'tags:"x"'}).flow_runs] == ["both"]
