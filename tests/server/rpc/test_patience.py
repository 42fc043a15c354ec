"""Calls that wait for what a flow run is told, and for its end."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from hand_session import new_id
from refusals import refusal_of
from running_server import FrozenClock, RunningServer
from until import until
from world import MISSING, World

INVALID, NOT_FOUND, EXISTS = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
)
Run = Callable[..., "Future[Any]"]


@pytest.fixture
def world(server: RunningServer) -> World:
    return World(server)


@pytest.fixture
def run() -> Iterator[Run]:
    """Calls something in a thread."""
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


def flow_run(world: World) -> str:
    id: str = world.call("CreateFlowRun", {"flowRun": {"flowName": "f"}}).flow_run.id
    world.propose(id, "RUNNING")
    return id


def tell(world: World, run_id: str, key: str, value: Any = 1, **fields: Any) -> Any:
    return world.call("CreateFlowRunInput", told(run_id, key, value, **fields)).flow_run_input


def told(run_id: str, key: str, value: Any = 1, **fields: Any) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(value).encode()).decode()
    payload = {"metadata": {"encoding": "json/plain"}, "data": data}
    return {"flowRunInput": {"flowRunId": run_id, "key": key, "value": payload}, **fields}


def received(world: World, run_id: str, *, wait: float = 0, **fields: Any) -> list[str]:
    request = {"flowRunId": run_id, "waitTimeout": f"{wait:.3f}s", **fields}
    return [each.key for each in world.call("ReceiveFlowRunInputs", request).flow_run_inputs]


def waiting(world: World, run_id: str, number: int = 1) -> None:
    """Returns once so many calls wait for something about a run."""
    patience = world.server.server.patience
    until(lambda: len(patience._waiting.get(run_id, ())) == number)


def test_inputs_come_in_the_order_of_arrival(world: World) -> None:
    id = flow_run(world)
    for key in ("b", "a", "c"):
        tell(world, id, key)
    assert received(world, id) == ["b", "a", "c"]
    first = world.call("ReceiveFlowRunInputs", {"flowRunId": id, "pageSize": 1}).flow_run_inputs[0]
    assert received(world, id, afterSequence=first.sequence) == ["a", "c"]
    assert received(world, id, keyPrefix="a") == ["a"]
    assert received(world, id, keyPrefix="A") == [], "case counts"
    listed = world.call("ListFlowRunInputs", {"flowRunId": id, "keyPrefix": "b"}).flow_run_inputs
    assert [each.key for each in listed] == ["b"]


def test_who_waits_is_told_at_once(world: World, run: Run) -> None:
    id = flow_run(world)
    answers = [run(received, world, id, wait=60, keyPrefix="x-") for _ in range(3)]
    waiting(world, id, 3)
    tell(world, id, "y-1")  # not for them
    tell(world, id, "x-1")
    assert [each.result(20) for each in answers] == [["x-1"]] * 3


def test_nothing_in_time_is_an_empty_answer(world: World) -> None:
    assert received(world, flow_run(world), wait=0.01) == []


def test_a_run_that_is_deleted_ends_the_wait(world: World, run: Run) -> None:
    id = flow_run(world)
    answer = run(world.refused, "ReceiveFlowRunInputs", {"flowRunId": id, "waitTimeout": "60s"})
    waiting(world, id)
    world.call("DeleteFlowRun", {"id": id})
    refusal = answer.result(20)
    assert (refusal.code, refusal.reason) == (NOT_FOUND, "FLOW_RUN_NOT_FOUND")


def test_an_input_that_is_deleted_gives_its_number_to_no_other(world: World) -> None:
    id = flow_run(world)
    first = tell(world, id, "a").sequence
    world.call("DeleteFlowRunInput", {"flowRunId": id, "key": "a"})
    assert received(world, id) == []
    assert tell(world, id, "a").sequence > first
    assert received(world, id, afterSequence=first) == ["a"]


def test_the_answer_to_a_pause_arrives_too(world: World) -> None:
    id = flow_run(world)
    world.call("PauseFlowRun", {"id": id, "pauseKey": "k"})
    world.call("ResumeFlowRun", {"id": id, "input": told(id, "k")["flowRunInput"]["value"]})
    assert received(world, id) == ["k"]


def test_a_key_is_told_once(world: World) -> None:
    id, request_id = flow_run(world), new_id()
    first = world.call("CreateFlowRunInput", told(id, "a", requestId=request_id))
    assert world.call("CreateFlowRunInput", told(id, "a", requestId=request_id)) == first
    refusal = world.refused("CreateFlowRunInput", told(id, "a", 2))
    assert (refusal.code, refusal.reason) == (EXISTS, "FLOW_RUN_INPUT_EXISTS")
    assert "take another key" in refusal.message


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"flowRunInput": {"flowRunId": MISSING, "key": "a", "value": {"data": "MQ=="}}}, NOT_FOUND),
        ({"flowRunInput": {"flowRunId": MISSING, "key": "", "value": {"data": "MQ=="}}}, INVALID),
        ({"flowRunInput": {"flowRunId": MISSING, "key": "a"}}, INVALID),
        ({"flowRunInput": {"flowRunId": "x", "key": "a", "value": {"data": "MQ=="}}}, INVALID),
        (
            {
                "flowRunInput": {
                    "flowRunId": MISSING,
                    "key": "a",
                    "value": {"data": base64.b64encode(bytes(512 * 1024 + 1)).decode()},
                }
            },
            INVALID,
        ),
    ],
    ids=["no run", "no key", "no value", "no id", "too large"],
)
def test_bad_inputs_are_refused(world: World, request_: dict[str, Any], code: Any) -> None:
    assert world.refused("CreateFlowRunInput", request_).code == code


def test_what_was_not_told_cannot_be_forgotten(world: World) -> None:
    refusal = world.refused("DeleteFlowRunInput", {"flowRunId": flow_run(world), "key": "a"})
    assert (refusal.code, refusal.reason) == (NOT_FOUND, "FLOW_RUN_INPUT_NOT_FOUND")


def test_the_end_of_a_run_is_told_at_once(world: World, run: Run) -> None:
    id = flow_run(world)
    answer = run(world.call, "AwaitFlowRun", {"id": id, "waitTimeout": "60s"})
    waiting(world, id)
    world.call("UpdateFlowRun", {"flowRun": {"id": id, "name": "other"}, "updateMask": "name"})
    world.propose(id, "COMPLETED")
    assert answer.result(20).flow_run.state.name == "Completed"


def test_any_move_is_told_where_that_is_asked_for(world: World, run: Run) -> None:
    id = flow_run(world)
    state = world.call("GetFlowRun", {"id": id}).flow_run.state.id
    answer = run(world.call, "AwaitFlowRun", {"id": id, "stateId": state, "waitTimeout": "60s"})
    waiting(world, id)
    world.call("PauseFlowRun", {"id": id})
    assert answer.result(20).flow_run.state.name == "Paused"
    assert world.call("AwaitFlowRun", {"id": id, "stateId": state, "waitTimeout": "60s"}).flow_run.id == id


def test_a_run_that_goes_on_is_told_at_the_end_of_the_time(world: World) -> None:
    id = flow_run(world)
    assert world.call("AwaitFlowRun", {"id": id, "waitTimeout": "0.01s"}).flow_run.state.name == "Running"
    assert world.refused("AwaitFlowRun", {"id": MISSING}).reason == "FLOW_RUN_NOT_FOUND"


def test_a_server_that_stops_says_so_to_those_who_wait(tmp_path: Path, run: Run) -> None:
    with RunningServer(tmp_path, clock=FrozenClock()) as server:
        world = World(server)
        id = flow_run(world)
        waits = [
            run(world.call, "AwaitFlowRun", {"id": id, "waitTimeout": "60s"}),
            run(world.call, "ReceiveFlowRunInputs", {"flowRunId": id, "waitTimeout": "60s"}),
        ]
        waiting(world, id, 2)
        server.run(server.server.stop)
        for each in waits:
            error = each.exception(20)
            assert isinstance(error, grpc.RpcError)
            refusal = refusal_of(error)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
