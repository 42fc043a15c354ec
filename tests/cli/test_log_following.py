"""`antiphon flow-run logs --follow`: lines as they come, each once, to the last."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from antiphon.cli import log_following
from antiphon.cli.log_following import follow_logs
from antiphon.service_client import ServiceClient
from cli_transcripts import BINARY
from running_server import RunningServer
from world import World

Cli = Callable[..., Result]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(world: World) -> str:
    """A run that is RUNNING."""
    id: str = world.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": "going"}}).flow_run.id
    world.propose(id, "RUNNING")
    return id


def write(world: World, run: str, message: str, seconds: float = 0) -> None:
    moment = (NOW + timedelta(seconds=seconds)).isoformat()
    world.call("CreateLogs", {"logs": [{"message": message, "level": 20, "createTime": moment, "flowRunId": run}]})


def followed(client: ServiceClient, run: str, last: int | None = None) -> Iterator[str]:
    return (line.message for line in follow_logs(client, run, last=last))


def test_lines_come_while_it_runs(world: World, run: str) -> None:
    write(world, run, "first")
    with ServiceClient() as client:
        lines = followed(client, run)
        assert next(lines) == "first"
        write(world, run, "second", 1)
        assert next(lines) == "second"
        write(world, run, "late by a little", -3)
        assert next(lines) == "late by a little"
        write(world, run, "late by much", -600)
        write(world, run, "last", 2)
        assert [next(lines), next(lines)] == ["late by much", "last"]
        world.propose(run, "COMPLETED")
        assert list(lines) == []


def test_lines_that_are_stored_behind_the_end_are_shown(
    world: World, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_following, "_QUIET_SECONDS", 60)
    write(world, run, "first")
    with ServiceClient() as client:
        lines = followed(client, run)
        assert next(lines) == "first"
        write(world, run, "second", 1)
        world.propose(run, "COMPLETED")
        assert next(lines) == "second"
        write(world, run, "behind the end", 2)
        assert next(lines) == "behind the end"
        monkeypatch.setattr(log_following, "_QUIET_SECONDS", 0)
        assert list(lines) == []


def test_only_the_last_ones_and_those_to_come(world: World, run: str) -> None:
    for number in range(5):
        write(world, run, str(number), number)
    with ServiceClient() as client:
        lines = followed(client, run, last=2)
        assert [next(lines), next(lines)] == ["3", "4"]
        write(world, run, "5", 5)
        assert next(lines) == "5"
        world.propose(run, "COMPLETED")
        assert list(lines) == []


def test_a_run_without_lines_is_followed_too(world: World, run: str) -> None:
    with ServiceClient() as client:
        world.propose(run, "FAILED")
        assert list(followed(client, run)) == []


def test_it_outlives_a_restart_of_the_server(home: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    heard = threading.Event()

    def follow(id: str) -> None:
        with ServiceClient(f"unix:{tmp_path / 's'}") as client:
            for message in followed(client, id):
                seen.append(message)
                heard.set()

    with RunningServer(tmp_path) as server:
        world = World(server)
        id = world.call("CreateFlowRun", {"flowRun": {"flowName": "etl"}}).flow_run.id
        world.propose(id, "RUNNING")
        write(world, id, "before")
        following = threading.Thread(target=follow, args=(id,))
        following.start()
        assert heard.wait(30)
    with RunningServer(tmp_path) as server:
        world = World(server)
        write(world, id, "after", 1)
        world.propose(id, "COMPLETED")
        following.join(60)
    assert not following.is_alive()
    assert seen == ["before", "after"]


def test_the_binary_prints_each_line_at_once(world: World, run: str) -> None:
    write(world, run, "first")
    with subprocess.Popen(
        [BINARY, "flow-run", "logs", "going", "-f", "--json"], stdout=subprocess.PIPE, text=True
    ) as shown:
        assert shown.stdout is not None
        assert json.loads(shown.stdout.readline())["message"] == "first"
        write(world, run, "second", 1)
        assert json.loads(shown.stdout.readline())["message"] == "second"
        world.propose(run, "COMPLETED")
        assert shown.stdout.read() == ""
        assert shown.wait(30) == 0


@pytest.mark.usefixtures("run")
def test_follow_goes_with_the_tail_only(antiphon: Cli) -> None:
    for options in (["--head"], ["--reverse"], ["-n", "3"]):
        result: Any = antiphon("flow-run", "logs", "going", "--follow", *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--follow goes on to the newest lines" in result.stderr
    result = antiphon("flow-run", "logs", "going", "--follow", "--tail", "-n", "10001")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "at most the last 10,000 lines" in " ".join(result.stderr.split())
