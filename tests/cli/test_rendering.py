"""What people see, without a server: words, tables, the tree."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import RenderableType

from antiphon.cli import watch_command
from antiphon.cli.following import Following
from antiphon.cli.run_tables import flow_runs_table, log_line
from antiphon.cli.run_tree import RunTree
from antiphon.cli.run_tree_view import tree_view
from antiphon.cli.run_words import ago_words, attempt_words, is_state_type, run_time_words, span_words, state_word
from antiphon.cli.safe_console import SafeConsole
from antiphon.service_client import ServiceClient
from antiphon.timestamps import write_timestamp
from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.log_pb2 import Log


def draw(renderable: RenderableType, width: int = 100) -> list[str]:
    console = SafeConsole(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0ms"),
        (0.0351, "35ms"),
        (1.24, "1.2s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (185.2, "3m 05s"),
        (3599.6, "1h 00m"),
        (7380, "2h 03m"),
        (86400 * 4 + 3600, "4d 01h"),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0s ago"), (59, "59s ago"), (60, "1m ago"), (7200, "2h ago"), (200_000, "2d ago")]
)
def test_ages(now: datetime, seconds: int, words: str) -> None:
    moment = Timestamp()
    write_timestamp(moment, now - timedelta(seconds=seconds))
    assert ago_words(moment, now) == words


def test_a_terminal_obeys_no_name_and_no_log(now: datetime, make: Any) -> None:
    run = make.flow_run(name="red\x1b[31m\nbell\x07", state=make.state("RUNNING"))
    [_, line] = draw(flow_runs_table([run], now, show_ids=False))
    assert line.startswith(r"red\x1b[31m\nbell\x07 ")
    said = draw(log_line(Log(message="one\ttwo\nthree\x9b2J", level=20)))
    assert [each.rpartition("  ")[2] for each in said] == ["two", r"three\x9b2J"]


def test_words_of_a_run(now: datetime, make: Any) -> None:
    running = make.flow_run(state=make.state("RUNNING", age=10))
    assert run_time_words(running, now) == "11.5s"
    assert run_time_words(make.flow_run(run_count=0), now) == ""
    assert state_word(FlowRun()) == "No state"
    assert state_word(make.flow_run(state=make.state("RUNNING", "Retrying"))) == "Retrying"
    unknown = FlowRun()
    unknown.state.type = 77  # type: ignore[assignment]  # from a newer server
    assert state_word(unknown) == "77"
    retried = make.task_run(run_count=3)
    assert attempt_words(retried) == "attempt 3"
    retried.retry_policy.max_retries = 4
    assert attempt_words(retried) == "attempt 3 of 5"
    assert is_state_type("CRASHED")
    assert not is_state_type("UNSPECIFIED")
    assert not is_state_type("Late")


def feed(tree: RunTree, flow_run_id: str, *runs: Any) -> list[Any]:
    return [tree.apply(flow_run_id, pb.WatchFlowRunResponse(**{_field(run): run})) for run in runs]


def _field(run: Any) -> str:
    return "flow_run" if isinstance(run, FlowRun) else "task_run"


def test_tree_before_anything_is_known(make: Any, now: datetime) -> None:
    assert draw(tree_view(RunTree("some-id"), now, limit=5)) == ["some-id"]


def test_tree_with_a_subflow(make: Any, now: datetime) -> None:
    top, child = make.flow_run("top", make.state("RUNNING", age=2)), make.flow_run("below", make.state("FAILED"))
    mirror = make.task_run("mirror-0", make.state("FAILED", child=child.id))
    loading = make.task_run("load-[1]", make.state("RUNNING", "Retrying", age=1), run_count=2)
    late = make.task_run("unseen-0", make.state("PENDING", child="not-known-yet"), run_count=0)
    tree = RunTree(top.id)
    feed(tree, top.id, late, loading, mirror, top)
    feed(tree, child.id, make.task_run("inner-0", make.state("FAILED", message="ValueError: no\nx")), child)
    first, *rest = draw(tree_view(tree, now, limit=10))
    assert first.startswith("top  etl  Running  3.5s  ━")
    assert first.endswith("  1/3 task runs")
    assert [line.split("━")[0].rstrip() for line in rest] == [
        "├── below  etl  Failed  1.5s",
        "│   └── inner-0  Failed  250ms  ValueError: no …",
        "├── load-[1]  Retrying  1.2s  attempt 2",
        "└── unseen-0  Pending",
    ]


def test_tree_shows_what_matters_of_many(make: Any, now: datetime) -> None:
    top = make.flow_run(state=make.state("RUNNING"))
    tasks = [make.task_run(f"t-{number}") for number in range(30)]
    tasks[3].state.CopyFrom(make.state("FAILED"))
    tasks[5].state.CopyFrom(make.state("RUNNING"))
    tasks[7].state.CopyFrom(make.state("COMPLETED", child=make.id()))
    tasks[29].state.CopyFrom(make.state("PENDING"))
    tree = RunTree(top.id)
    feed(tree, top.id, *tasks, top)
    first, *lines = draw(tree_view(tree, now, limit=5))
    assert first.endswith("28/30 task runs")
    assert [line.split()[1] for line in lines[:-1]] == ["t-3", "t-5", "t-7", "t-28", "t-29"]
    assert lines[-1] == "└── … and 25 more: 25 Completed"


def test_tree_that_contains_itself_ends(make: Any, now: datetime) -> None:
    top = make.flow_run("top")
    tree = RunTree(top.id)
    feed(tree, top.id, make.task_run("mirror-0", make.state("COMPLETED", child=top.id)), top)
    assert len(draw(tree_view(tree, now, limit=5))) == 2


def test_long_lines_are_cut(make: Any, now: datetime) -> None:
    top = make.flow_run("x" * 200)
    tree = RunTree(top.id)
    feed(tree, top.id, make.task_run("y" * 200), top)
    lines = draw(tree_view(tree, now, limit=5), width=60)
    assert len(lines) == 2
    assert all(len(line) <= 60 for line in lines)
    assert lines[0].endswith("1/1 task runs")


def test_apply_tells_changes_of_state_only(make: Any) -> None:
    top = make.flow_run(state=make.state("RUNNING"))
    tree = RunTree(top.id)
    task = make.task_run()
    assert feed(tree, top.id, top, top, task, task) == [top, None, task, None]
    assert tree.apply(top.id, pb.WatchFlowRunResponse(snapshot_mark=pb.SnapshotMark())) is None


def test_live_tree_on_a_terminal(server: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    console = SafeConsole(file=io.StringIO(), force_terminal=True, width=100, height=30)
    monkeypatch.setattr(watch_command, "make_console", lambda: console)
    top, child = make.flow_run("top"), make.flow_run("below")
    mirror = make.task_run("mirror-0", make.state("COMPLETED", child=child.id))
    server.book.flow_runs = [top, child]
    server.book.watches = {top.id: [[pb.WatchFlowRunResponse(task_run=mirror), pb.WatchFlowRunResponse(flow_run=top)]]}
    server.book.watches[child.id] = [[pb.WatchFlowRunResponse(flow_run=child)]]
    with ServiceClient(server.target) as client:
        assert watch_command.watch_flow_run(client, top, as_json=False) == 0
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[32mCompleted" in text
    last = text[text.rindex("top") :]
    assert "1/1 task runs" in last
    assert "below" in last


def test_colours_can_be_turned_off(
    antiphon: Callable[..., Any], book: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.flow_runs = [make.flow_run()]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    green = "\x1b[32mCompleted"
    assert green in antiphon("flow-run", "ls").stdout
    monkeypatch.setenv("ANTIPHON_CLI_COLORS", "false")
    assert green not in antiphon("flow-run", "ls").stdout
    monkeypatch.delenv("ANTIPHON_CLI_COLORS")
    monkeypatch.setenv("NO_COLOR", "1")
    assert green not in antiphon("flow-run", "ls").stdout


@pytest.mark.parametrize(("columns", "shown"), [("80", False), ("120", True)])
def test_ids_are_shown_where_there_is_room(
    antiphon: Callable[..., Any], book: Any, make: Any, monkeypatch: pytest.MonkeyPatch, columns: str, shown: bool
) -> None:
    run = make.flow_run("a name that goes on and on, for ever and ever and ever")
    book.flow_runs, book.task_runs = [run], [make.task_run("z" * 90)]
    monkeypatch.setenv("COLUMNS", columns)
    text = antiphon("flow-run", "ls").stdout
    assert (run.id in text) is shown
    assert "Completed" in text
    assert "1.5s" in text
    assert len(text.splitlines()) == 2
    assert (book.task_runs[0].id in antiphon("flow-run", "inspect", run.id).stdout) is shown


def test_following_can_be_left(server: Any, make: Any) -> None:
    """Who stops iterating and closes hears nothing of streams that end because of it."""
    top = make.flow_run(state=make.state("RUNNING"))
    server.book.watches = {top.id: [[pb.WatchFlowRunResponse(flow_run=top), lambda context: None]]}
    with ServiceClient(server.target) as client:
        following = Following(client, top.id, 1)
        assert next(following.events())[0] == top.id
        following.close()
