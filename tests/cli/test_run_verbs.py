"""`antiphon flow-run cancel`, `delete`, `retry`, `set-state` and `antiphon operation`, against a real server."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from typer.testing import Result

from antiphon.cli import being_sure
from antiphon.cli.operation_following import follow_operation
from antiphon.service_client import ServiceClient
from antiphon.v1.operation_pb2 import Operation, OperationState
from antiphon_server.application.bulk import CancelBulk, StartBulk
from antiphon_server.domain.bulk import BulkVerb
from cli_transcripts import BINARY
from hand_session import new_id
from held_operations import hold_operations
from in_writer import in_writer
from running_server import RunningServer
from world import MISSING, World

Cli = Callable[..., Result]
UUID = r"[0-9a-f-]{36}"


@pytest.fixture
def world(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A real server, configured as the one to talk to, with one run."""
    with RunningServer(tmp_path) as server:
        monkeypatch.setenv("ANTIPHON_API_URL", server.target)
        world = World(server)
        world.fill()
        yield world


@pytest.fixture
def many(world: World) -> World:
    """With five runs of a flow `many` more, one of which has ended."""
    for number in range(5):
        run = {"flowName": "many", "name": f"many-{number}"}
        id = world.call("CreateFlowRun", {"flowRun": run}).flow_run.id
        world.propose(id, "FAILED" if number == 4 else "SCHEDULED")
    return world


def states(world: World, filter: str = "flow_name = many") -> list[str]:
    runs = world.call("ListFlowRuns", {"filter": filter, "orderBy": "name"}).flow_runs
    return [run.state.name for run in runs]


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bool) -> list[str]:
    """Has the command think that there is a terminal at which somebody answers; gives what was asked."""
    asked: list[str] = []

    def confirm(question: str, **options: Any) -> bool:
        assert options == {"abort": True, "err": True}
        asked.append(question)
        if not answer:
            raise being_sure.typer.Abort
        return True

    monkeypatch.setattr(being_sure.typer, "confirm", confirm)
    # The runner of commands puts a stdin of its own in place.
    monkeypatch.setattr(being_sure, "sys", type("Sys", (), {"stdin": type("In", (), {"isatty": lambda: True})}))
    return asked


def test_cancel_by_filter(antiphon: Cli, many: World) -> None:
    result = antiphon("flow-run", "cancel", "--filter", "flow_name = many", "--reason", "enough")
    assert result.exit_code == 0, result.stderr
    words = "5 of 5 flow runs handled; 4 done, 1 with nothing to do."
    assert re.fullmatch(rf"Operation {UUID} SUCCEEDED: {words}\n", result.stdout)
    assert states(many) == ["Cancelled"] * 4 + ["Failed"]
    assert many.call("ListOperations").operations[0].reason == "enough"
    assert states(many, "name = one") == ["Scheduled"]


def test_delete_by_filter_needs_a_yes(antiphon: Cli, many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("flow-run", "delete", "--filter", "flow_name = many")
    result = antiphon(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "give --yes if you are sure" in " ".join(result.stderr.replace("│", " ").split())
    asked = at_a_terminal(monkeypatch, answer=False)
    assert antiphon(*arguments).exit_code == 1
    assert asked == ["Delete 5 flow runs?"]
    assert len(states(many)) == 5
    assert not many.call("ListOperations").operations
    at_a_terminal(monkeypatch, answer=True)
    assert antiphon(*arguments).exit_code == 0
    assert states(many) == []


def test_yes_is_not_asked_again(antiphon: Cli, many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = at_a_terminal(monkeypatch, answer=False)
    assert antiphon("flow-run", "delete", "--all", "--yes").exit_code == 0
    assert asked == []
    assert not many.call("ListFlowRuns").flow_runs


def test_other_verbs_over_a_filter_ask_at_a_terminal_too(
    antiphon: Cli, many: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = at_a_terminal(monkeypatch, answer=False)
    for verb in (["cancel"], ["retry"], ["set-state", "failed"]):
        assert antiphon("flow-run", *verb, "--filter", "name = many-1").exit_code == 1
    assert asked == ["Cancel 1 flow run?", "Retry 1 flow run?", "Set FAILED for 1 flow run?"]
    assert antiphon("flow-run", "cancel", "many-0").exit_code == 0, "a run by its name is not asked about"
    assert len(asked) == 3


def test_a_dry_run_says_how_many(antiphon: Cli, many: World) -> None:
    result = antiphon("flow-run", "delete", "--filter", "flow_name = many", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "5 flow runs match; nothing was done.\n")
    assert antiphon("flow-run", "cancel", "--filter", "name = one", "--dry-run").stdout.startswith(
        "1 flow run matches;"
    )
    shown = json.loads(antiphon("flow-run", "retry", "--all", "--dry-run", "--json").stdout)
    assert (shown["total_count"], shown["verb"], shown["id"]) == (6, "OPERATION_VERB_RETRY", "")
    assert not many.call("ListOperations").operations


def test_what_refuses_is_told_and_is_an_error(antiphon: Cli, many: World) -> None:
    result = antiphon("flow-run", "retry", "--filter", "flow_name = many")
    assert result.exit_code == 1
    assert result.stdout.endswith("SUCCEEDED: 5 of 5 flow runs handled; 0 done, 1 refused, 4 with nothing to do.\n")
    failed = many.call("ListFlowRuns", {"filter": "name = many-4"}).flow_runs[0]
    assert result.stderr.startswith(f"Note: flow run {failed.id}: the run has ended and has no deployment")
    assert result.stderr.endswith("(RerunAfterEnd)\n")


def test_set_state_by_filter_as_json(antiphon: Cli, many: World) -> None:
    arguments = ["--filter", "flow_name = many", "--name", "Lost", "--message", "gone", "--json"]
    result = antiphon("flow-run", "set-state", "crashed", *arguments, "--force")
    assert result.exit_code == 0, result.stderr
    operation = ParseDict(json.loads(result.stdout), Operation())
    assert (operation.succeeded_count, operation.proposed_state.message, operation.force) == (5, "gone", True)
    assert states(many) == ["Lost"] * 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["cancel"],
        ["cancel", "one", "--filter", "name = one"],
        ["delete", "--all", "--filter", "name = one", "--yes"],
        ["retry", "one", "--all"],
        ["cancel", "one", "--dry-run"],
        ["set-state", "SLEEPING", "one"],
        ["set-state"],
    ],
)
def test_what_makes_no_sense_is_wrong_usage(antiphon: Cli, world: World, arguments: list[str]) -> None:
    result = antiphon("flow-run", *arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    assert states(world, "name = one") == ["Scheduled"]


def test_an_empty_filter_and_a_wrong_one_are_refused(antiphon: Cli, world: World) -> None:
    empty = antiphon("flow-run", "cancel", "--filter", "")
    assert (empty.exit_code, empty.stderr.startswith("Error: the filter is empty")) == (1, True)
    wrong = antiphon("flow-run", "delete", "--yes", "--filter", "size > 3")
    assert (wrong.exit_code, wrong.stderr.startswith("Error: ")) == (1, True)
    assert "column 1" in wrong.stderr


def test_runs_by_name(antiphon: Cli, many: World) -> None:
    cancelled = antiphon("flow-run", "cancel", "many-0", "--reason", "no need")
    assert re.fullmatch(rf"Flow run many-0 \({UUID}\) is Cancelled now\.\n", cancelled.stdout)
    assert antiphon("flow-run", "set-state", "PENDING", "many-1", "--name", "Soon").stdout.endswith("is Soon now.\n")
    deleted = antiphon("flow-run", "delete", "many-2", "--yes")
    assert re.fullmatch(rf"Flow run many-2 \({UUID}\) is deleted\.\n", deleted.stdout)
    assert states(many) == ["Cancelled", "Soon", "Scheduled", "Failed"]
    assert not many.call("ListOperations").operations


def test_a_run_by_name_is_deleted_only_after_a_yes(antiphon: Cli, many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert antiphon("flow-run", "delete", "many-0").exit_code == 2
    asked = at_a_terminal(monkeypatch, answer=False)
    assert antiphon("flow-run", "delete", "many-0", "many-1").exit_code == 1
    (question,) = asked
    assert re.fullmatch(rf"Delete many-0 \({UUID}\), many-1 \({UUID}\)\?", question)
    assert len(states(many)) == 5


def test_a_run_that_refuses_says_why(antiphon: Cli, many: World) -> None:
    retried = antiphon("flow-run", "retry", "many-4")
    assert (retried.exit_code, retried.stdout) == (1, "")
    assert "is Failed, not as asked: the run has ended and has no deployment" in retried.stderr
    early = antiphon("flow-run", "retry", "many-0")
    assert (early.exit_code, "has not ended (Scheduled)" in early.stderr) == (1, True)
    assert antiphon("flow-run", "set-state", "CANCELLING", "many-0").stdout.endswith("is Cancelled now.\n")


def test_of_several_runs_one_that_fails_keeps_nobody(antiphon: Cli, many: World) -> None:
    result = antiphon("flow-run", "cancel", "many-0", MISSING, "many-4", "many-1", "--json")
    assert result.exit_code == 3
    assert [run["name"] for run in json.loads(result.stdout)] == ["many-0", "many-1"]
    first, second = result.stderr.splitlines()
    assert first.startswith(f"Error: there is no flow run {MISSING}")
    assert "has ended already" in second
    assert states(many) == ["Cancelled", "Cancelled", "Scheduled", "Scheduled", "Failed"]


def test_operations_can_be_seen(antiphon: Cli, many: World) -> None:
    assert antiphon("operation", "ls").stdout == "No operations.\n"
    antiphon("flow-run", "retry", "--filter", "flow_name = many")
    antiphon("flow-run", "set-state", "FAILED", "--all", "--name", "[red]Lost")
    retry, lost = many.call("ListOperations", {"filter": ""}).operations[::-1]
    header, newest, oldest = antiphon("operation", "ls").stdout.splitlines()
    assert header.split() == ["Verb", "Of", "State", "Done", "Refused", "Started", "ID"]
    assert newest.split()[:5] == ["SET_STATE", "[red]Lost", "(all)", "SUCCEEDED", "6/6"]
    assert oldest.split()[-1] == retry.id
    shown = json.loads(antiphon("operation", "ls", "--filter", "verb = RETRY", "--json").stdout)
    assert [ParseDict(each, Operation()) for each in shown] == [retry]
    page = antiphon("operation", "inspect", retry.id.upper()).stdout
    for expected in ("RETRY", "flow_name = many", "SUCCEEDED", "5 of 5 handled", "RerunAfterEnd"):
        assert expected in page
    assert ParseDict(json.loads(antiphon("operation", "inspect", lost.id, "--json").stdout), Operation()) == lost


def test_operations_are_found_by_the_start_of_their_id(antiphon: Cli, world: World) -> None:
    ids = [world.operation().id for _ in range(2)]
    # Their last digits are drawn at random.
    assert json.loads(antiphon("operation", "inspect", ids[0][:35], "--json").stdout)["id"] == ids[0]
    both = antiphon("operation", "inspect", ids[0][:4])
    assert (both.exit_code, "Several operations fit" in both.stderr) == (1, True)
    for missing in ("abc", MISSING, "ffffff"):
        assert antiphon("operation", "inspect", missing).exit_code == 3


def stopped(world: World) -> str:
    id = new_id()
    start = StartBulk(id, BulkVerb.CANCEL, "name = one", 1)
    in_writer(world.server, lambda it: (start.apply(it), CancelBulk(id).apply(it)))
    return id


def test_operations_can_be_stopped_and_watched(antiphon: Cli, world: World) -> None:
    id = stopped(world)
    again = antiphon("operation", "cancel", id)
    assert (again.exit_code, again.stdout) == (0, f"Operation {id} CANCELLED: 0 of 1 flow run handled; 0 done.\n")
    assert json.loads(antiphon("operation", "cancel", id, "--json").stdout)["state"] == "OPERATION_STATE_CANCELLED"
    watched = antiphon("operation", "watch", id)
    assert (watched.exit_code, watched.stdout) == (5, again.stdout)
    (line,) = antiphon("operation", "watch", id, "--json").stdout.splitlines()
    assert json.loads(line)["id"] == id
    done = world.operation().id
    refused = antiphon("operation", "cancel", done)
    assert (refused.exit_code, refused.stderr) == (1, f"Error: operation {done} has SUCCEEDED already\n")
    assert antiphon("operation", "watch", done).exit_code == 0


def test_what_the_server_cannot_go_on_with_is_an_error(antiphon: Cli, world: World) -> None:
    id = in_writer(world.server, StartBulk(new_id(), BulkVerb.CANCEL, "size > 3", 1).apply)
    result = antiphon("operation", "watch", id)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The operation FAILED: ")
    assert "size" in result.stderr


def test_ctrl_c_ends_the_command_and_not_the_operation(many: World, home: Path) -> None:
    go_on = hold_operations(many.server, 0)
    program = "from antiphon.cli.main import main; main()"
    command = [sys.executable, "-c", program, "flow-run", "cancel", "--filter", "flow_name = many"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not many.server.server._operation_watches._waiting:  # Until the command follows the operation.
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    (operation,) = many.call("ListOperations").operations
    assert operation.state == OperationState.OPERATION_STATE_RUNNING
    assert f"The operation goes on. See it with `antiphon operation watch {operation.id}`" in said
    go_on()
    assert many.ended(operation.id).succeeded_count == 4


def test_it_is_followed_over_the_end_of_its_server(home: Path, tmp_path: Path) -> None:
    seen: list[Operation] = []

    def follow() -> None:
        with ServiceClient(f"unix:{tmp_path / 's'}") as client:
            for operation in follow_operation(client, id, reconnect_timeout=30):
                seen.append(operation)
                heard.set()

    heard, following = threading.Event(), threading.Thread(target=follow)
    with RunningServer(tmp_path) as server:
        hold_operations(server, 0)
        world = World(server)
        world.fill()
        id = world.call("BulkCancelFlowRuns", {"all": True}).operation.id
        following.start()
        assert heard.wait(30)
    with RunningServer(tmp_path):
        following.join(30)
    assert not following.is_alive()
    assert [seen[0].state, seen[-1].state] == [
        OperationState.OPERATION_STATE_RUNNING,
        OperationState.OPERATION_STATE_SUCCEEDED,
    ]


def test_on_a_terminal_there_is_a_bar_and_a_line_at_the_end(many: World, home: Path) -> None:
    """A real terminal, on which a real person would see it."""
    ours, theirs = pty.openpty()
    program = "from antiphon.cli.main import main; main()"
    command = [sys.executable, "-c", program, "flow-run", "cancel", "--filter", "flow_name = many"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    os.write(ours, b"y\n")
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # The other end is closed.
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait(30) == 0, shown
    text = shown.decode()
    assert "Cancel 5 flow runs? [y/N]" in text
    assert "5/5" in text
    assert "5 of 5 flow runs handled; 4 done, 1 with nothing to do." in text
    assert states(many) == ["Cancelled"] * 4 + ["Failed"]


def test_a_run_of_no_deployment_is_run_once_more_by_its_code(world: World, antiphon: Cli, tmp_path: Path) -> None:
    run = world.call("CreateFlowRun", {"flowRun": {"flowName": "alone", "name": "by-hand"}}).flow_run.id
    world.propose(run, "FAILED")
    flows = tmp_path / "flows.py"
    flows.write_text("from antiphon import flow\n@flow\ndef alone(): print('done here')\n@flow\ndef other(): ...\n")

    def retry(name: str, flow: str) -> "subprocess.CompletedProcess[str]":
        typed = [BINARY, "flow-run", "retry", name, "--entrypoint", f"{flows}:{flow}"]
        return subprocess.run(typed, capture_output=True, text=True, timeout=120)

    wrong = retry("by-hand", "other")
    assert (wrong.returncode, "is of 'alone', and" in wrong.stderr) == (1, True), wrong.stderr
    done = retry("by-hand", "alone")
    assert (done.returncode, "done here" in done.stdout) == (0, True), done.stderr
    assert world.call("GetFlowRun", {"id": run}).flow_run.state.name == "Completed"
    assert antiphon("flow-run", "retry", "--all", "--yes", "-e", "flows.py:alone").exit_code == 2
    assert antiphon("flow-run", "retry", "by-hand", "-e", "flows.py").exit_code == 2
