"""`antiphon work-pool` and `antiphon work-queue` on a real server: what the stories do not tell."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from world import World

Cli = Callable[..., Result]


@pytest.fixture
def queues(world: World) -> dict[str, str]:
    """Two pools with a queue `q` each; ids of pools by name."""
    pools: dict[str, str] = {}
    for name in ("lake", "pond"):
        pool = world.call("CreateWorkPool", {"workPool": {"name": name, "type": "process", "concurrencyLimit": 1}})
        pools[name] = pool.work_pool.id
        world.call("CreateWorkQueue", {"workQueue": {"name": "q", "workPoolId": pool.work_pool.id}})
    return pools


def run_in(world: World, pool: str, name: str, **fields: Any) -> str:
    """A run that waits in the pool's queue."""
    deployment = {"flowName": "etl", "name": f"{pool}-{name}", "workPoolName": pool, "workQueueName": "q"}
    made = world.call("CreateDeployment", {"deployment": deployment}).deployment
    id: str = world.call("RunDeployment", {"id": made.id, "flowRunName": name, **fields}).flow_run.id
    return id


@pytest.mark.usefixtures("queues")
def test_a_queue_of_several_pools_needs_its_pool(antiphon: Cli) -> None:
    result = antiphon("work-queue", "pause", "q")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Several work pools have a queue 'q'" in result.stderr
    assert "Say which with --pool." in result.stderr
    assert json.loads(antiphon("work-queue", "pause", "q", "--pool", "pond", "--json").stdout)["paused"]
    shown = json.loads(antiphon("work-queue", "ls", "--json").stdout)
    assert {each["work_pool_name"]: each["paused"] for each in shown} == {"lake": False, "pond": True}


@pytest.mark.usefixtures("queues")
def test_runs_that_wait_are_listed_by_their_time(world: World, antiphon: Cli) -> None:
    run_in(world, "lake", "later", scheduledTime="2099-01-01T00:00:00Z")
    run_in(world, "lake", "due")
    run_in(world, "pond", "elsewhere")

    def names(*arguments: str) -> list[str]:
        result = antiphon(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return [run["name"] for run in json.loads(result.stdout)]

    assert names("work-pool", "preview", "lake") == ["due", "later"]
    assert names("work-pool", "preview", "lake", "--limit", "1") == ["due"]
    assert names("work-pool", "preview", "lake", "--hours", "1") == ["due"]
    assert names("work-queue", "preview", "q", "--pool", "lake") == ["due", "later"]
    assert names("work-queue", "read-runs", "q", "-p", "lake") == ["due"]
    assert names("work-queue", "read-runs", "q", "-p", "pond") == ["elsewhere"]


def test_a_pool_without_queues_has_no_runs(world: World, antiphon: Cli) -> None:
    world.call("CreateWorkPool", {"workPool": {"name": "dry", "type": "process"}})
    run = world.call("CreateFlowRun", {"flowRun": {"flowName": "etl"}}).flow_run.id
    world.propose(run, "SCHEDULED")
    assert antiphon("work-pool", "preview", "dry").stdout == "No runs wait in the work pool dry.\n"


def test_overwriting_leaves_the_pool_the_same_one(world: World, queues: dict[str, str], antiphon: Cli) -> None:
    made = antiphon("work-pool", "create", "lake", "--type", "docker", "--overwrite", "--json")
    shown = json.loads(made.stdout)
    assert (shown["id"], shown["type"], "concurrency_limit" in shown) == (queues["lake"], "docker", False)
    assert len(world.call("ListWorkQueues", {"filter": f'work_pool_id = "{queues["lake"]}"'}).work_queues) == 1
