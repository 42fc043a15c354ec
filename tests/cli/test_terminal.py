"""The real binary at a real terminal: questions, and colours."""

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cli_transcripts import BINARY
from world import World

Cli = Callable[..., Result]


def at_terminal(*arguments: str, types: str = "", **environment: str) -> tuple[int, str]:
    """The exit code, and what was on the screen."""
    ours, theirs = pty.openpty()
    given = {**os.environ, "TERM": "xterm", "COLUMNS": "120", **environment}
    process = subprocess.Popen([BINARY, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=given)
    os.close(theirs)
    os.write(ours, types.encode())
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    return process.wait(60), shown.decode()


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (["variable", "unset", "db_url"], "Delete the variable db_url?"),
        (["artifact", "delete", "report"], "Delete 1 artifact with the key report?"),
        (["block", "delete", "login/prod"], "Delete the block login/prod?"),
        (["block", "type", "delete", "login"], "Delete the block type login and its 1 blocks?"),
        (["concurrency-limit", "delete", "scarce"], "Delete the limit of the tag scarce?"),
        (["gcl", "delete", "tag:scarce"], "Delete the limit tag:scarce?"),
        (["deployment", "delete", "etl/nightly"], "Delete etl/nightly, with schedules and planned runs?"),
        (
            ["deployment", "schedule", "delete", "etl/nightly", "daily"],
            "Delete the schedule daily (@daily) of etl/nightly?",
        ),
        (["deployment", "schedule", "clear", "etl/nightly"], "Delete 1 schedule of etl/nightly?"),
        (["calendar", "delete", "holidays"], "Delete the calendar holidays?"),
        (["work-pool", "delete", "pool"], "Delete the work pool pool with 2 queues?"),
        (["work-queue", "delete", "queue"], "Delete the work queue pool/queue?"),
        (["worker", "delete", "gone"], "Forget the worker gone of the work pool pool?"),
    ],
)
def test_who_deletes_is_asked(world: World, command: list[str], question: str) -> None:
    world.fill()
    code, shown = at_terminal(*command, types="n\n")
    assert code == 1, shown
    assert question in shown
    assert "[y/N]" in shown
    assert "Aborted" in shown
    code, shown = at_terminal(*command, types="y\n")
    assert code == 0, shown
    assert any(word in shown for word in ("eleted", "not limited", "forgotten"))


def test_a_profile_too(home: Path) -> None:
    assert subprocess.run([BINARY, "profile", "create", "work"], check=True).returncode == 0
    assert at_terminal("profile", "delete", "work", types="n\n")[0] == 1
    code, shown = at_terminal("profile", "delete", "work", types="y\n")
    assert (code, "Remove profile work? [y/N]" in shown) == (0, True)


def test_the_type_of_a_pool_is_asked_for(world: World) -> None:
    code, shown = at_terminal("work-pool", "create", "lake", types="docker\n")
    assert (code, "Type [process]:" in shown) == (0, True), shown
    assert world.call("GetWorkPool", {"name": "lake"}).work_pool.type == "docker"


def test_a_backfill_says_how_many_runs_it_makes(world: World) -> None:
    world.fill()
    span = ("--from", "2030-01-01", "--to", "2030-01-03")
    code, shown = at_terminal("deployment", "backfill", "etl/nightly", *span, types="n\n")
    assert (code, "Make 2 flow runs of etl/nightly? [y/N]" in shown) == (1, True), shown
    assert not world.call("ListOperations").operations


def test_no_prompt_keeps_it_from_asking(world: World) -> None:
    world.fill()
    code, shown = at_terminal("--no-prompt", "variable", "unset", "db_url", NO_COLOR="1", TERM="dumb")
    assert (code, "Nobody can be asked here; give --yes" in shown) == (2, True), shown


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("deployment delete x/y", "Nobody can be asked here; give --yes"),
        ("--prompt deployment delete x/y", "Nobody can be asked here; give --yes"),
        ("deployment run x/y --params -", "--params - reads the standard input, and that is closed."),
        ("block create secret --name x --data -", "--data - reads the standard input, and that is closed."),
    ],
)
def test_a_closed_standard_input_is_nobody(arguments: str, says: str) -> None:
    closed = ["sh", "-c", f"exec {BINARY} {arguments} <&-"]
    done = subprocess.run(closed, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"ANTIPHON_CLI_COLORS": "false"}, False)],
)
def test_colours_are_for_terminals(world: World, antiphon: Cli, environment: dict[str, str], coloured: bool) -> None:
    run = world.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": "one"}}).flow_run.id
    world.propose(run, "SCHEDULED")
    code, shown = at_terminal("flow-run", "ls", **environment)
    assert (code, "\x1b[36m" in shown) == (0, coloured), shown
    assert "\x1b" not in antiphon("flow-run", "ls").stdout
    assert json.loads(at_terminal("flow-run", "ls", "--json")[1])[0]["id"] == run
