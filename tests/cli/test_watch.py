"""`antiphon flow-run watch`, over cuts, restarts and forgotten cursors."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from typer.testing import Result

from antiphon.cli.following import Following
from antiphon.exceptions import ServerUnreachable
from antiphon.service_client import ServiceClient
from antiphon.v1 import flow_run_service_pb2 as pb

Cli = Callable[..., Result]


def step(run: Any, cursor: str = "") -> pb.WatchFlowRunResponse:
    field = "flow_run" if type(run).__name__ == "FlowRun" else "task_run"
    return pb.WatchFlowRunResponse(**{field: run, "cursor": cursor})


def mark(cursor: str = "") -> pb.WatchFlowRunResponse:
    return pb.WatchFlowRunResponse(snapshot_mark=pb.SnapshotMark(), cursor=cursor)


def cut(context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAVAILABLE, "cut")


def with_state(run: Any, state: Any) -> Any:
    changed = type(run)()
    changed.CopyFrom(run)
    changed.state.CopyFrom(state)
    return changed


def words(result: Result) -> list[str]:
    """The lines without their time of day."""
    return [line.partition(" ")[2] for line in result.stdout.splitlines()]


def test_lines_where_there_is_no_terminal(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run(state=make.state("RUNNING"), run_count=0)
    task = make.task_run(state=make.state("PENDING"), run_count=0)
    failed = with_state(task, make.state("FAILED", message="ValueError: [x]\nmore"))
    failed.run_count = 2
    done = with_state(run, make.state("COMPLETED"))
    book.flow_runs = [run]
    book.watches[run.id] = [[step(task), step(run), mark(), step(run), step(failed), step(done)]]
    result = antiphon("flow-run", "watch", run.id)
    assert result.exit_code == 0, result.stderr
    assert words(result) == [
        "task run load-0  Pending",
        "flow run brave-otter  Running",
        "task run load-0  Failed  250ms  attempt 2  ValueError: [x] …",
        "flow run brave-otter  Completed",
    ]


@pytest.mark.parametrize(("kind", "code"), [("COMPLETED", 0), ("FAILED", 1), ("CRASHED", 1), ("CANCELLED", 5)])
def test_exit_code_says_how_the_run_ended(antiphon: Cli, book: Any, make: Any, kind: str, code: int) -> None:
    run = make.flow_run(state=make.state(kind))
    book.flow_runs = [run]
    book.watches[run.id] = [[step(run), mark()]]
    assert antiphon("flow-run", "watch", run.id).exit_code == code


def test_goes_on_from_the_cursor_after_a_cut(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run(state=make.state("RUNNING"), run_count=0)
    book.flow_runs = [run]
    paused, done = with_state(run, make.state("PAUSED")), with_state(run, make.state("COMPLETED"))
    book.watches[run.id] = [[step(run, "c1"), mark("c2"), cut], [cut], [step(paused, "c3"), cut], [step(done, "c4")]]
    result = antiphon("flow-run", "watch", run.id)
    assert result.exit_code == 0, result.stderr
    assert words(result) == [f"flow run brave-otter  {state}" for state in ("Running", "Paused", "Completed")]
    assert [request.resume_cursor for request in book.asked(pb.WatchFlowRunRequest)] == ["", "c2", "c2", "c3"]


def test_starts_over_when_the_cursor_is_forgotten(
    antiphon: Cli, book: Any, make: Any, refusal: Callable[..., None]
) -> None:
    def too_old(context: grpc.ServicerContext) -> None:
        refusal(context, "OUT_OF_RANGE", "CURSOR_TOO_OLD", "watch again")

    run = make.flow_run(state=make.state("RUNNING"), run_count=0)
    book.flow_runs = [run]
    done = with_state(run, make.state("COMPLETED"))
    book.watches[run.id] = [[step(run, "c1"), cut], [too_old], [step(run, "d1"), mark("d1"), step(done, "d2")]]
    result = antiphon("flow-run", "watch", run.id)
    assert result.exit_code == 0, result.stderr
    assert words(result) == ["flow run brave-otter  Running", "flow run brave-otter  Completed"]
    assert [request.resume_cursor for request in book.asked(pb.WatchFlowRunRequest)] == ["", "c1", ""]


def test_survives_a_restart_of_the_server(antiphon: Cli, server: Any, make: Any) -> None:
    book = server.book
    run = make.flow_run(state=make.state("RUNNING"), run_count=0)
    book.flow_runs = [run]
    sent, stopped = threading.Event(), threading.Event()

    def restart_me(context: grpc.ServicerContext) -> None:
        sent.set()
        stopped.wait()

    book.watches[run.id] = [[step(run, "c1"), restart_me], [step(with_state(run, make.state("COMPLETED")), "c2")]]
    results: list[Result] = []
    watching = threading.Thread(target=lambda: results.append(antiphon("flow-run", "watch", run.id)))
    watching.start()
    sent.wait()
    server.stop()
    stopped.set()
    server.start()
    watching.join()
    assert results[0].exit_code == 0, results[0].stderr
    assert book.asked(pb.WatchFlowRunRequest)[-1].resume_cursor == "c1"


def test_gives_up_after_the_reconnect_timeout(server: Any, make: Any) -> None:
    run = make.flow_run(state=make.state("RUNNING"))
    server.book.watches[run.id] = [[step(run), lambda _: threading.Thread(target=server.stop).start(), cut]]
    with (
        ServiceClient(server.target) as client,
        pytest.raises(ServerUnreachable, match=r"has answered at .* for 0\.05 s"),
    ):
        list(Following(client, run.id, 0.05).events())


def test_gives_up_when_no_connection_brings_anything(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run()
    book.flow_runs = [run]
    book.watches[run.id] = [[cut] for _ in range(20)]
    result = antiphon("flow-run", "watch", run.id)
    assert result.exit_code == 4
    assert "cut" in result.stderr
    assert len(book.watches[run.id]) == 14


def test_refusal_is_told(antiphon: Cli, book: Any, make: Any, refusal: Callable[..., None]) -> None:
    run = make.flow_run()
    book.flow_runs = [run]
    book.watches[run.id] = [[lambda context: refusal(context, "INTERNAL", "BUG", "a bug")]]
    result = antiphon("flow-run", "watch", run.id)
    assert (result.exit_code, result.stderr) == (1, "Error: a bug\n")


def test_json_is_a_message_a_line(antiphon: Cli, book: Any, make: Any) -> None:
    run = make.flow_run()
    book.flow_runs = [run]
    book.watches[run.id] = [[step(make.task_run(), "c1"), step(run, "c1"), mark("c1")]]
    events = [json.loads(line) for line in antiphon("flow-run", "watch", run.id, "--json").stdout.splitlines()]
    assert [next(iter(event)) for event in events] == ["task_run", "flow_run", "snapshot_mark"]
    assert events[1]["flow_run"]["id"] == run.id
    assert {event["cursor"] for event in events} == {"c1"}


def test_subflows_are_followed_too(antiphon: Cli, book: Any, make: Any) -> None:
    run, child, grandchild = make.flow_run("top"), make.flow_run("middle"), make.flow_run("bottom")
    child_done, grandchild_done = threading.Event(), threading.Event()
    mirror = make.task_run("mirror-0", make.state("COMPLETED", child=child.id))
    deeper = make.task_run("mirror-1", make.state("COMPLETED", child=grandchild.id))
    book.flow_runs = [run, child, grandchild]
    book.watches = {
        run.id: [[step(mirror), lambda _: child_done.wait(), lambda _: grandchild_done.wait(), step(run)]],
        child.id: [[step(deeper), step(child), lambda _: child_done.set()]],
        grandchild.id: [[step(grandchild), lambda _: grandchild_done.set()]],
    }
    result = antiphon("flow-run", "watch", run.id)
    assert result.exit_code == 0, result.stderr
    assert {line.split("  ")[0] for line in words(result)} == {
        "task run mirror-0",
        "task run mirror-1",
        "flow run top",
        "flow run middle",
        "flow run bottom",
    }


def test_subflow_that_never_ends_is_read_at_the_end(antiphon: Cli, book: Any, make: Any, gate: threading.Event) -> None:
    """After a crash the parent has ended, and nobody will ever move the child."""
    run, child = make.flow_run(state=make.state("CRASHED")), make.flow_run("child", make.state("RUNNING"))
    mirror = make.task_run("mirror-0", make.state("CRASHED", child=child.id))
    inner = make.task_run("inner-0", make.state("RUNNING"), run_count=0)
    book.flow_runs, book.task_runs = [run, child], [inner]
    watched = threading.Event()
    book.watches = {
        run.id: [[step(mirror), lambda _: watched.wait(), step(run)]],
        child.id: [[lambda _: watched.set(), lambda _: gate.wait()]],
    }
    result = antiphon("flow-run", "watch", run.id)
    gate.set()
    assert result.exit_code == 1, result.stderr
    assert {line.split("  ")[0] for line in words(result)[-2:]} == {"flow run child", "task run inner-0"}


def test_ctrl_c_ends_it_quietly(server: Any, make: Any, gate: threading.Event) -> None:
    run = make.flow_run(state=make.state("RUNNING"))
    server.book.flow_runs = [run]
    server.book.watches[run.id] = [[step(run), lambda _: gate.wait()]]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", "from antiphon.cli.main import main; main()", "flow-run", "watch", run.id],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    assert "flow run brave-otter  Running" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == 130
    gate.set()


def test_many_subflows_take_turns(server: Any, make: Any) -> None:
    book, count = server.book, 120
    run, children = make.flow_run(), [make.flow_run(f"child-{number}") for number in range(count)]
    book.flow_runs = [run, *children]
    all_done = threading.Semaphore(0)
    book.watches = {child.id: [[step(child), lambda _: all_done.release()]] for child in children}
    book.watches[run.id] = [[step(run), lambda _: [all_done.acquire() for _ in range(count)]]]
    seen: list[str] = []
    most = 0
    with ServiceClient(server.target) as client:
        following = Following(client, run.id, 10)
        for flow_run_id, _ in following.events():
            if flow_run_id == run.id:
                for child in children:
                    following.follow(child.id)
            seen.append(flow_run_id)
            most = max(most, sum(thread.name.startswith("watch-") for thread in threading.enumerate()))
    assert set(seen) == {run.id, *(child.id for child in children)}
    assert most <= 51
