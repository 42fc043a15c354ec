"""Flows in processes that a run has started: runs of their own, with their logs, in sessions that say goodbye."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stored import Stored, type_of

LINES = 20
PROGRAM = Path(__file__).with_name("child_processes.py")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_flows_in_child_processes(stored: Stored, method: str, tmp_path: Path) -> None:
    environment = os.environ | {"ANTIPHON_API_URL": stored.client.target, "ANTIPHON_HOME": str(tmp_path)}
    command = [sys.executable, str(PROGRAM), method]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert sorted(value for _, value in results) == [4 * x for x in range(1, 8 if method == "fork" else 7)]
    for id, _ in results:
        run = stored.flow_run(id)
        assert type_of(run.state) == "COMPLETED" and not run.parent_task_run_id
        assert [type_of(each.state) for each in stored.task_runs(id)] == ["COMPLETED"] * 2
        assert sum(log.message.startswith("line ") for log in stored.logs(id)) == LINES
