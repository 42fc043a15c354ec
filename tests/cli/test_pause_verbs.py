"""`antiphon flow-run pause`, `suspend` and `resume`, against a real server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from running_server import RunningServer
from world import MISSING, World

Cli = Callable[..., Result]


@pytest.fixture
def world(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A real server, configured as the one to talk to, with a run `one` that is RUNNING and held by nobody."""
    with RunningServer(tmp_path) as server:
        monkeypatch.setenv("ANTIPHON_API_URL", server.target)
        world = World(server)
        world.fill()
        world.propose(world.run, "RUNNING")
        yield world


def state(world: World) -> str:
    return str(world.call("GetFlowRun", {"id": world.run}).flow_run.state.name)


def test_a_run_is_paused_and_resumed(antiphon: Cli, world: World) -> None:
    paused = antiphon("flow-run", "pause", "one", "--reason", "look first", "--timeout", "60.5")
    assert paused.exit_code == 0
    assert f"Flow run one ({world.run}) is Paused now." in paused.output
    held = world.call("GetFlowRun", {"id": world.run}).flow_run.state
    assert held.message == "look first"
    span = held.details.pause_expire_time.ToMicroseconds() - held.create_time.ToMicroseconds()
    assert span == 60_500_000
    resumed = antiphon("flow-run", "resume", world.run[:30])
    assert resumed.exit_code == 0
    assert "is Running now." in resumed.output
    assert state(world) == "Running"


def test_json(antiphon: Cli, world: World) -> None:
    paused = json.loads(antiphon("flow-run", "pause", "one", "--key", "k", "--json").stdout)
    assert (paused["id"], paused["state"]["name"], paused["pause_keys"]) == (world.run, "Paused", ["k"])
    resumed = json.loads(antiphon("flow-run", "resume", "one", "--json").stdout)
    assert resumed["state"]["type"] == "STATE_TYPE_RUNNING"


def test_an_answer(antiphon: Cli, world: World) -> None:
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}}'
    world.call("PauseFlowRun", {"id": world.run, "pauseKey": "k", "inputSchema": schema})
    wrong = antiphon("flow-run", "resume", "one", "--input", '{"n": "x"}')
    assert wrong.exit_code == 1 and "input.n" in wrong.output
    typo = antiphon("flow-run", "resume", "one", "--input", "{n: 1}")
    assert typo.exit_code == 2 and "no JSON" in typo.output
    assert state(world) == "Paused"
    assert antiphon("flow-run", "resume", "one", "--input", '{"n": 1}').exit_code == 0
    told = world.call("GetFlowRunInput", {"flowRunId": world.run, "key": "k"}).flow_run_input
    assert told.value.data == b'{"n": 1}'


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("suspend", "one"), "deployment"),
        (("resume", "one"), "not paused but Running"),
        (("pause", "one", "--timeout", "-1"), "Invalid value"),
    ],
)
def test_what_is_refused(antiphon: Cli, world: World, command: tuple[str, ...], said: str) -> None:
    refused = antiphon("flow-run", *command)
    assert refused.exit_code in (1, 2)
    assert said in " ".join(refused.output.split())
    assert state(world) == "Running"


@pytest.mark.parametrize("verb", ["pause", "suspend", "resume"])
def test_a_run_that_is_not_there(antiphon: Cli, world: World, verb: str) -> None:
    assert antiphon("flow-run", verb, MISSING).exit_code == 3
