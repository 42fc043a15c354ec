import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from typer.testing import Result

from antiphon.v1 import flow_pb2, log_pb2, log_service_pb2
from antiphon.v1 import flow_run_service_pb2 as pb

Cli = Callable[..., Result]


def test_ls_shows_a_table(antiphon: Cli, book: Any, make: Any) -> None:
    book.flow_runs = [make.flow_run("brave-otter"), make.flow_run("calm-[bold]owl", make.state("FAILED", "TimedOut"))]
    result = antiphon("flow-run", "ls")
    assert result.exit_code == 0, result.stderr
    header, first, second = result.stdout.splitlines()
    assert header.split() == ["Name", "Flow", "State", "Created", "Run", "time", "ID"]
    assert first.split()[:3] == ["brave-otter", "etl", "Completed"]
    assert first.split()[-2:] == ["1.5s", book.flow_runs[0].id]
    assert second.split()[:3] == ["calm-[bold]owl", "etl", "TimedOut"]
    assert "\x1b" not in result.stdout


def test_ls_without_runs(antiphon: Cli, book: Any) -> None:
    assert antiphon("flow-run", "ls").stdout == "No flow runs.\n"
    assert json.loads(antiphon("flow-run", "ls", "--json").stdout) == []


def test_ls_builds_one_filter(antiphon: Cli, book: Any) -> None:
    arguments = ["--filter", "run_count > 1 OR name = x", "--state", "failed", "--state", "Late", "--flow", 'a"*\\b']
    assert antiphon("flow-run", "ls", *arguments, "--limit", "7").exit_code == 0
    (request,) = book.requests
    assert request.page_size == 7
    assert request.filter == (
        '(state.type = FAILED OR state.name = "Late") AND (flow_name = "a\\"\\*\\\\b") AND (run_count > 1 OR name = x)'
    )


def test_ls_takes_page_after_page_up_to_the_limit(antiphon: Cli, book: Any, make: Any) -> None:
    book.flow_runs = [make.flow_run(f"run-{number}") for number in range(10)]
    book.page_limit = 3
    names = [run["name"] for run in json.loads(antiphon("flow-run", "ls", "--json", "--limit", "7").stdout)]
    assert names == [f"run-{number}" for number in range(7)]
    assert [request.page_size for request in book.requests] == [7, 4, 1]


def test_ls_json_is_the_contracts_shape(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run(tags=["a"])
    book.flow_runs = [run]
    (shown,) = json.loads(antiphon("flow-run", "ls", "--json").stdout)
    assert ParseDict(shown, type(run)()) == run
    assert shown["flow_name"] == "etl"
    assert shown["state"]["type"] == "STATE_TYPE_COMPLETED"
    assert shown["parent_task_run_id"] == ""  # there though it holds nothing, so that the shape is always the same


def test_wrong_filter_is_told(antiphon: Cli, book: Any) -> None:
    result = antiphon("flow-run", "ls", "--filter", "wrong")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "Error: wrong filter at column 2\n"


def test_wrong_limit_is_a_usage_error(antiphon: Cli, book: Any) -> None:
    result = antiphon("flow-run", "ls", "--limit", "0")
    assert result.exit_code == 2
    assert "--limit" in result.stderr


def test_inspect_shows_facts_history_and_task_runs(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run(state=make.state("FAILED", message="ValueError: [red]no\nmore"), run_count=2, tags=["t"])
    run.retry_policy.max_retries = 3
    run.parameters.metadata["encoding"] = "json/plain"
    run.parameters.data = b'{"x": 1}'
    run.state.data.metadata["encoding"] = "binary/cloudpickle"
    run.state.data.data = b"1234"
    book.flow_runs, book.states = [run], [make.state("RUNNING"), run.state]
    book.task_runs = [make.task_run("load-0"), make.task_run("load-1", make.state("RUNNING"))]
    result = antiphon("flow-run", "inspect", run.id.upper())
    assert result.exit_code == 0, result.stderr
    for expected in (
        f"ID          {run.id}",
        "FAILED",
        "Failed: ValueError: [red]no",
        "attempt 2 of 4",
        '{"x": 1}',
        "(binary/cloudpickle, 4 bytes)",
        "load-1",
        "ValueError: [red]no …",
    ):
        assert expected in result.stdout
    assert book.requests[-1].filter == f'flow_run_id = "{run.id}"'


def test_inspect_json(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run()
    book.flow_runs, book.states, book.task_runs = [run], [run.state], [make.task_run()]
    shown = json.loads(antiphon("flow-run", "inspect", run.id, "--json").stdout)
    assert shown.keys() == {"flow_run", "states", "task_runs"}
    assert shown["flow_run"]["id"] == run.id
    assert [state["id"] for state in shown["states"]] == [run.state.id]
    assert [task_run["name"] for task_run in shown["task_runs"]] == ["load-0"]


def test_unknown_id(antiphon: Cli, book: Any, make: Any) -> None:
    missing = make.id()
    result = antiphon("flow-run", "inspect", missing)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"Error: there is no flow run {missing}\n"


def test_run_is_found_by_name_or_by_the_start_of_its_id(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run("dead-beef")
    book.answers = {'name = "dead-beef"': [run], 'name = "0199AA"': [], 'id = "0199aa*"': [run]}
    book.flow_runs = [run]
    for reference in ("dead-beef", " 0199AA"):
        assert json.loads(antiphon("flow-run", "inspect", reference, "--json").stdout)["flow_run"]["id"] == run.id


def test_start_of_an_id_needs_four_characters(antiphon: Cli, book: Any, make: Any) -> None:
    book.answers = {'name = "019"': []}
    result = antiphon("flow-run", "inspect", "019")
    assert result.exit_code == 3
    assert "There is no flow run '019'. Give an id, the first 4 or more characters" in result.stderr
    assert len(book.asked(pb.ListFlowRunsRequest)) == 1


def test_ambiguous_run_lists_candidates(antiphon: Cli, book: Any, make: Any) -> None:
    runs = [make.flow_run("twin") for _ in range(12)]
    book.answers = {'name = "twin"': runs}
    result = antiphon("flow-run", "watch", "twin")
    assert (result.exit_code, result.stdout) == (1, "")
    first, *lines = result.stderr.splitlines()
    assert first == "Error: Several flow runs fit 'twin'. Give the whole id of one:"
    assert [line.split()[0] for line in lines[:-1]] == [run.id for run in runs[:10]]
    assert lines[-1].strip() == "… and more"


def log(make: Any, message: str, level: int = 20) -> log_pb2.Log:
    entry = log_pb2.Log(id=make.id(), level=level, message=message, logger="x")
    entry.create_time.FromJsonString("2026-01-31T11:59:58.012345Z")
    return entry


def test_logs_in_order(antiphon: Cli, book: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make.flow_run()
    book.flow_runs = [run]
    book.logs = [log(make, "first [red]"), log(make, "two\nlines\n", 40), log(make, "odd " + "x" * 2000, 25)]
    result = antiphon("flow-run", "logs", run.id)
    assert result.exit_code == 0, result.stderr
    first, second, third, last = result.stdout.splitlines()
    assert first.endswith(":58.012 INFO     first [red]")
    assert second.endswith(" ERROR    two")
    assert third == "    lines"
    assert last.endswith(" 25       odd " + "x" * 2000)
    (request,) = book.asked(log_service_pb2.ListLogsRequest)
    assert (request.filter, request.order_by) == (f'flow_run_id = "{run.id}"', "create_time")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tail", "-n", "2"], ["3", "4"]),
        (["-t", "--num-logs", "2", "--reverse"], ["4", "3"]),
        (["-n", "2"], ["0", "1"]),
        (["--head", "-n", "3"], ["0", "1", "2"]),
        (["-h", "-n", "2", "-r"], ["1", "0"]),
        (["-n", "2", "-r"], ["1", "0"]),
        (["--reverse"], ["4", "3", "2", "1", "0"]),
        (["--tail"], ["0", "1", "2", "3", "4"]),
    ],
)
def test_first_and_last_logs(antiphon: Cli, book: Any, make: Any, options: list[str], expected: list[str]) -> None:
    run = make.flow_run()
    book.flow_runs = [run]
    book.logs = [log(make, str(number)) for number in range(5)]
    shown = json.loads(antiphon("flow-run", "logs", run.id, *options, "--json").stdout)
    assert [entry["message"] for entry in shown] == expected


def test_cancel(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run(state=make.state("RUNNING"))
    book.flow_runs = [run]
    result = antiphon("flow-run", "cancel", run.id, "--reason", "no need")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"Flow run brave-otter ({run.id}) is Cancelling now.\n"
    (request,) = book.asked(pb.CancelFlowRunRequest)
    assert (request.id, request.reason) == (run.id, "no need")
    shown = json.loads(antiphon("flow-run", "cancel", run.id, "--json").stdout)
    assert shown["state"]["type"] == "STATE_TYPE_CANCELLING"


def test_cancel_of_a_run_that_has_ended(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run()
    book.flow_runs = [run]
    result = antiphon("flow-run", "cancel", run.id)
    assert (result.exit_code, result.stderr) == (1, "Error: the run has ended\n")


def test_server_that_is_not_there(antiphon: Cli, server: Any) -> None:
    server.stop()
    result = antiphon("flow-run", "ls")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith(f"Error: No server answers at {server.target}: ")


def test_flows(antiphon: Cli, book: Any, make: Any) -> None:
    assert antiphon("flow", "ls").stdout == "No flows.\n"
    book.flows = [flow_pb2.Flow(id=make.id(), name="etl", tags=["nightly", "x"])]
    header, line = antiphon("flow", "ls", "--filter", 'tags:"x"').stdout.splitlines()
    assert header.split() == ["Name", "Tags", "Created", "ID"]
    assert line.split()[:3] == ["etl", "nightly,", "x"]
    assert book.requests[-1].filter == 'tags:"x"'
    (shown,) = json.loads(antiphon("flow", "ls", "--json").stdout)
    assert (shown["name"], shown["tags"]) == ("etl", ["nightly", "x"])


def test_pages_that_do_not_fit_a_message_get_smaller(antiphon: Cli, book: Any, make: Any) -> None:
    book.flow_runs = [make.flow_run(f"run-{number}") for number in range(60)]
    for run in book.flow_runs:
        run.parameters.data = bytes(500_000)
    shown = json.loads(antiphon("flow-run", "ls", "--json", "--limit", "60").stdout)
    assert [run["name"] for run in shown] == [f"run-{number}" for number in range(60)]
    assert [request.page_size for request in book.requests] == [60, 30, 30]
