"""`ls --watch`: lists that are kept up to date, as lines, JSON and a live table."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon.cli import live_list
from antiphon.cli.live_lists import live_flow_runs
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest
from antiphon.watching import Step
from cli_json import check_json
from cli_transcripts import BINARY
from hand_worker import HandWorker
from running_server import RunningServer
from world import World


def create(world: World, name: str, **fields: Any) -> str:
    run = {"flowName": "etl", "name": name, **fields}
    return str(world.call("CreateFlowRun", {"flowRun": run}).flow_run.id)


@contextmanager
def shown(*arguments: str) -> Iterator[Callable[[], str]]:
    """The binary, line by line."""
    with subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield lambda: process.stdout.readline().rstrip()  # type: ignore[union-attr]
        finally:
            process.kill()


def test_flow_runs_as_lines(world: World) -> None:
    first = create(world, "new")
    with shown("flow-run", "ls", "--watch", "--filter", "name = n*") as line:
        assert "flow run new" in line()
        create(world, "other")
        world.propose(first, "SCHEDULED")
        assert "Scheduled" in line()
        world.call("UpdateFlowRun", {"flowRun": {"id": first, "name": "old"}, "updateMask": "name"})
        gone = line()
        assert gone.startswith("gone: ")
        assert "flow run new" in gone


def test_deployments_as_json(world: World) -> None:
    world.fill()
    with shown("deployment", "ls", "--watch", "--json") as line:
        assert json.loads(line())["deployment"]["name"] == "nightly"
        world.call("PauseDeployment", {"id": world.deployment})
        assert json.loads(line())["deployment"]["paused"] is True
        world.call("DeleteDeployment", {"id": world.deployment})
        assert json.loads(line())["gone_id"] == world.deployment


@pytest.mark.parametrize("command", ["flow-run ls", "deployment ls", "worker ls"])
def test_json_lines_are_what_the_schemas_say(world: World, command: str) -> None:
    world.fill()
    with shown(*command.split(), "--watch", "--json") as line:
        check_json(command, line())


def test_workers_as_lines(world: World) -> None:
    world.fill()
    with shown("worker", "ls", "--watch") as line:
        assert line() == "gone of pool  offline"
        worker = HandWorker(world.server.channel, name="new", work_pool_name="pool")
        worker.welcome()
        assert line() == "new of pool  online"
        worker.goodbye()
        assert line() == "new of pool  offline"


class Listed:
    """A list of flow runs in this process."""

    def __init__(self, client: ServiceClient, limit: int) -> None:
        def fetch() -> list[Any]:
            return list(client.pages(client.flow_runs.ListFlowRuns, ListFlowRunsRequest(), "flow_runs", limit=limit))

        self._steps = live_list._pictures(client, live_flow_runs("", fetch, limit))
        self.picture: dict[str, Any] = {}

    def next(self) -> Step:
        self.picture, step = next(self._steps)
        return step

    @property
    def names(self) -> list[str]:
        return sorted(run.name for run in self.picture.values())


def test_a_list_has_no_more_than_its_limit_and_what_moves_up(world: World) -> None:
    for name in ("a", "b", "c"):
        create(world, name)
    with ServiceClient() as client:
        listed = Listed(client, 2)
        assert [listed.next().thing.name for _ in range(2)] == ["c", "b"]
        newest = create(world, "d")
        listed.next()
        assert listed.names == ["c", "d"]
        world.call("DeleteFlowRun", {"id": newest})
        assert listed.next().kind == "gone"
        assert listed.next().thing.name == "b"
        assert listed.names == ["b", "c"]


def test_a_list_outlives_a_restart_of_the_server(home: Path, tmp_path: Path) -> None:
    with ServiceClient(f"unix:{tmp_path / 's'}") as client:
        with RunningServer(tmp_path) as server:
            create(World(server), "before")
            listed = Listed(client, 5)
            assert listed.next().thing.name == "before"
        with RunningServer(tmp_path) as server:
            create(World(server), "after")
            while listed.names != ["after", "before"]:
                listed.next()


@pytest.mark.usefixtures("world")
def test_a_wrong_filter_is_said_so(antiphon: Any) -> None:
    result = antiphon("flow-run", "ls", "--watch", "--filter", "nonsense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "wrong filter" in result.stderr
