"""`antiphon work-pool` and `antiphon work-queue` on a real server: what the stories do not tell."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from antiphon.settings import current, get_current_settings
from hand_worker import HandWorker
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
    assert len(world.call("ListWorkQueues", {"filter": f'work_pool_id = "{queues["lake"]}"'}).work_queues) == 2


def test_job_templates_come_from_files(world: World, antiphon: Cli, tmp_path: Path) -> None:
    template = '{"job_configuration": {"command": "{{ command }}"}, "variables": {"properties": {"command": {}}}}'
    file = tmp_path / "template.json"
    file.write_text(template)
    options = ("--type", "process", "--base-job-template", str(file), "--description", "By hand")
    made = json.loads(antiphon("work-pool", "create", "lake", *options, "--json").stdout)
    assert (made["base_job_template"], made["description"]) == (template, "By hand")
    file.write_text("[]")
    refused = antiphon("work-pool", "update", "lake", "--base-job-template", str(file))
    assert (refused.exit_code, refused.stdout) == (1, "")
    file.write_bytes(b"\xff")
    wrong = antiphon("work-pool", "update", "lake", "--base-job-template", str(file))
    assert (wrong.exit_code, "cannot be read" in wrong.stderr) == (2, True)
    missing = antiphon("work-pool", "update", "lake", "--base-job-template", str(tmp_path / "none"))
    assert missing.exit_code == 2
    assert world.call("GetWorkPool", {"name": "lake"}).work_pool.description == "By hand"


@pytest.mark.usefixtures("world")
def test_a_new_pool_may_become_the_default(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    made = antiphon("work-pool", "create", "lake", "--type", "process", "--set-as-default", "--json")
    assert json.loads(made.stdout)["name"] == "lake"
    assert "get lake from now on, by profile default" in made.stderr.replace("\n", " ")
    assert get_current_settings().deployments.default_work_pool_name is None, "this process keeps what it read"
    monkeypatch.setattr(current, "_root", None)
    assert get_current_settings().deployments.default_work_pool_name == "lake"
    monkeypatch.setenv("ANTIPHON_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME", "sea")
    warned = antiphon("work-pool", "create", "pond", "--type", "process", "--set-as-default")
    assert "is in the environment too" in warned.stderr.replace("\n", " ")


def test_workers_of_several_pools_may_have_one_name(world: World, queues: dict[str, str], antiphon: Cli) -> None:
    for pool in queues:
        worker = HandWorker(world.server.channel, name="w", work_pool_name=pool, client="test")
        worker.next("welcome")
        worker.goodbye()
    result = antiphon("worker", "inspect", "w")
    assert result.exit_code == 1
    assert "Several work pools have a worker 'w'. Say which with --pool." in result.stderr
    shown = json.loads(antiphon("worker", "inspect", "w", "--pool", "pond", "--json").stdout)
    assert shown["work_pool_name"] == "pond"
    assert antiphon("worker", "inspect", shown["id"]).exit_code == 0


@pytest.mark.usefixtures("queues")
def test_a_worker_that_is_there_is_shown_so_and_not_forgotten(world: World, antiphon: Cli) -> None:
    worker = HandWorker(world.server.channel, name="w", work_pool_name="lake", client="test")
    worker.next("welcome")
    worker.heartbeat()
    assert "online" in antiphon("worker", "ls", "--online").stdout
    assert "ready" in antiphon("work-pool", "inspect", "lake").stdout
    refused = antiphon("worker", "delete", "w", "--yes")
    assert (refused.exit_code, refused.stdout) == (1, "")
    worker.goodbye()


@pytest.mark.usefixtures("world")
def test_the_place_of_the_health_check_may_be_taken(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("ANTIPHON_WORKER_WEBSERVER_HOST", "127.0.0.1")
        monkeypatch.setenv("ANTIPHON_WORKER_WEBSERVER_PORT", str(taken.getsockname()[1]))
        done = antiphon("worker", "start", "--pool", "new", "--type", "process", "--with-healthcheck")
    assert (done.exit_code, "The health check cannot listen on 127.0.0.1:" in done.stderr) == (1, True), done.stderr
