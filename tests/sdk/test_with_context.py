"""Functions that know the run in threads and processes of user code."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.context import (
    FlowRunContext,
    TaskRunContext,
    current_tags,
    hydrated_context,
    serialize_context,
    tags,
    with_context,
)
from antiphon.settings import ANTIPHON_LOGGING_LEVEL, temporary_settings
from stored import Stored

PROGRAM = Path(__file__).with_name("context_children.py")


@pytest.mark.parametrize("how", ["fork", "spawn", "threads"])
def test_pools_of_user_code_log_to_the_run(stored: Stored, how: str, tmp_path: Path) -> None:
    environment = os.environ | {"ANTIPHON_API_URL": stored.client.target, "ANTIPHON_HOME": str(tmp_path)}
    command = [sys.executable, str(PROGRAM), how]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    seen, task_run_id, flow_run_id = json.loads(done.stdout.splitlines()[-1])
    parameters = seen[0][3]
    assert seen == [[flow_run_id, task_run_id, "spread", parameters, ["inside"]]] * 2
    # A lock cannot be taken along to another process.
    assert parameters["how"] == how and ("lock" in parameters) is (how == "threads")
    logs = [log for log in stored.logs(flow_run_id) if log.message.startswith("child")]
    assert sorted((log.message, log.task_run_id) for log in logs) == [
        ("child 0", task_run_id),
        ("child 1", task_run_id),
    ]


def run() -> FlowRunContext:
    return FlowRunContext(flow=None, flow_run_id="f", flow_run_name="otter", flow_name="etl", parameters={"x": 1})


def test_what_is_serialized_is_hydrated() -> None:
    with temporary_settings({ANTIPHON_LOGGING_LEVEL: "ERROR"}), tags("a"), run():
        serialized = pickle.loads(pickle.dumps(serialize_context()))
    with hydrated_context(serialized):
        flow_run = FlowRunContext.get()
        assert flow_run is not None and TaskRunContext.get() is None
        assert (flow_run.flow_run_id, flow_run.flow_name, flow_run.parameters) == ("f", "etl", {"x": 1})
        assert FlowRunContext.around() is None, "runs made here are not part of it"
        assert (ANTIPHON_LOGGING_LEVEL.value(), current_tags()) == ("ERROR", {"a"})
    assert FlowRunContext.get() is None and not current_tags()
    with hydrated_context():
        assert FlowRunContext.get() is None


def name_of_run(suffix: str) -> str:
    context = FlowRunContext.get()
    return (context.flow_run_name if context is not None else "none") + suffix


def test_a_function_takes_its_context_along() -> None:
    with run():
        function = with_context(name_of_run)
    assert function.__name__ == "name_of_run"
    assert function("!") == "otter!"
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(function))))
    assert again("!") == "otter!"
    assert name_of_run("!") == "none!"
