"""`antiphon deployment` on a real server: what the stories do not tell."""

import base64
import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from antiphon.v1.operation_pb2 import OperationState
from cli_transcripts import BINARY
from until import until
from world import World

Cli = Callable[..., Result]


def make(world: World, flow: str, name: str, **fields: Any) -> Any:
    return world.call("CreateDeployment", {"deployment": {"flowName": flow, "name": name, **fields}}).deployment


@pytest.fixture
def schedule(world: World) -> str:
    """A deployment `etl/nightly` with one schedule, which rests; the schedule's id."""
    deployment = make(world, "etl", "nightly")
    wanted = {"deploymentId": deployment.id, "cron": {"expression": "@daily"}, "paused": True}
    id: str = world.call("CreateSchedule", {"schedule": wanted}).schedule.id
    return id


def end_runs(world: World, state: str = "COMPLETED") -> None:
    """As a worker would, once: each run that is SCHEDULED and due."""
    for run in world.call("ListFlowRuns", {"filter": "state.type = SCHEDULED"}).flow_runs:
        world.propose(run.id, "RUNNING")
        world.propose(run.id, state)


@pytest.mark.parametrize("typed", ["x", "a/x", "a/b/x", "a/b/c/x", "a/b/c"])
def test_names_may_have_slashes(world: World, said: Callable[..., str], typed: str) -> None:
    made = {f"{flow}/{name}": make(world, flow, name).id for flow, name in [("a", "x"), ("a/b", "x"), ("a", "b/c/x")]}
    made["a/b/c"] = make(world, "a/b", "c").id
    if typed == "x":
        return
    assert json.loads(said("deployment", "inspect", typed, "--json"))["id"] == made[typed]


def test_a_run_is_made_with_what_was_typed(world: World, said: Callable[..., str]) -> None:
    make(world, "etl", "nightly", tags=["prod"])
    options = ("-p", "x=[1]", "--params", '{"y": "z"}', "-jv", "cpu=2", "--job-variable", "image=a:b", "--tag", "t")
    more = ("--start-at", "2099-01-01T00:00:00+02:00", "--priority", "3", "--flow-run-name", "first")
    run = json.loads(said("deployment", "run", "etl/nightly", *options, *more, "--json"))
    assert json.loads(base64.b64decode(run["parameters"]["data"])) == {"y": "z", "x": [1]}
    assert json.loads(run["job_variables"]) == {"cpu": 2, "image": "a:b"}
    assert (run["name"], run["priority"], sorted(run["tags"])) == ("first", 3, ["prod", "t"])
    assert run["next_scheduled_start_time"] == "2098-12-31T22:00:00Z"


def test_several_that_fit_are_listed(world: World, antiphon: Cli) -> None:
    first, second = make(world, "a", "x").id, make(world, "b", "x").id
    result = antiphon("deployment", "inspect", "x")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: Several deployments fit 'x'. Give FLOW/NAME, or the id of one:\n"
        f"    {'a/x'}  {first}\n    {'b/x'}  {second}\n"
    )
    assert antiphon("deployment", "inspect", second[:8].upper()).exit_code == 3
    assert antiphon("deployment", "inspect", second.upper()).exit_code == 0


def test_a_watched_run_ends_the_command_as_it_ended(world: World, home: Path) -> None:
    make(world, "etl", "nightly")
    for state, code in (("COMPLETED", 0), ("FAILED", 1)):
        process = subprocess.Popen(
            [BINARY, "deployment", "run", "etl/nightly", "--watch", "--json"], stdout=subprocess.PIPE, text=True
        )
        try:
            until(lambda: bool(world.call("ListFlowRuns", {"filter": "state.type = SCHEDULED"}).flow_runs))
            end_runs(world, state)
            printed, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == code
        runs = [line["flow_run"] for line in map(json.loads, printed.splitlines()) if "flow_run" in line]
        assert runs[-1]["state"]["type"] == f"STATE_TYPE_{state}"


@pytest.mark.parametrize(("state", "code"), [("COMPLETED", 0), ("FAILED", 1)])
@pytest.mark.usefixtures("schedule")
def test_a_backfill_is_followed_to_its_end(world: World, antiphon: Cli, state: str, code: int) -> None:
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            end_runs(world, state)

    worker = threading.Thread(target=work)
    worker.start()
    span = ("--from", "2026-01-01", "--to", "2026-01-05")
    result = antiphon("deployment", "backfill", "etl/nightly", *span, "--max-active", "2", "--watch")
    over.set()
    worker.join()
    assert result.exit_code == code, result.stderr
    assert "SUCCEEDED: 4 of 4 flow runs handled" in result.stdout
    (operation,) = world.call("ListOperations").operations
    assert operation.state == OperationState.OPERATION_STATE_SUCCEEDED
    assert operation.backfill.max_active_runs == 2
    again = json.loads(antiphon("deployment", "backfill", "nightly", *span, "--dry-run", "--json").stdout)
    assert (again["total_count"], again["existing_count"]) == (4, 4)
    shown = antiphon("deployment", "backfill", "nightly", *span, "--dry-run").stdout
    assert "For 4 of them there is a run already." in shown
    assert shown.endswith("0 flow runs would be made; nothing was done.\n")
    assert "4 flow runs would" in antiphon("deployment", "backfill", "nightly", *span, "--dry-run", "--rerun").stdout


def test_a_span_is_meant_in_the_schedules_zone(world: World, schedule: str, antiphon: Cli) -> None:
    change = {"schedule": {"id": schedule, "timeZone": "America/New_York"}, "updateMask": "timeZone"}
    world.call("UpdateSchedule", change)
    span = ("--from", "2026-03-07", "--to", "2026-03-10")
    shown = antiphon("deployment", "backfill", "etl/nightly", *span, "--dry-run").stdout.splitlines()
    assert [line.strip() for line in shown[1:-1]] == [
        "2026-03-07 00:00:00-05:00",
        "2026-03-08 00:00:00-05:00",
        "2026-03-09 00:00:00-04:00",
    ]


def test_schedules_by_slug_id_and_start(world: World, schedule: str, antiphon: Cli) -> None:
    deployment = world.call("GetSchedule", {"id": schedule}).schedule.deployment_id
    other = {"deploymentId": deployment, "slug": "cafe", "cron": {"expression": "@hourly"}}
    cafe = world.call("CreateSchedule", {"schedule": other}).schedule.id
    for typed, id in (("cafe", cafe), (cafe, cafe), (schedule.upper(), schedule)):
        shown = antiphon("deployment", "schedule", "pause", "etl/nightly", typed, "--json")
        assert shown.exit_code == 0, shown.stderr
        assert world.call("GetSchedule", {"id": id}).schedule.paused
    ambiguous = antiphon("deployment", "schedule", "resume", "etl/nightly", schedule[:4])
    assert ambiguous.exit_code == 1
    assert f"2 of them fit '{schedule[:4]}'" in ambiguous.stderr


def test_replacing_leaves_one_schedule(world: World, schedule: str, said: Callable[..., str]) -> None:
    said("deployment", "schedule", "create", "etl/nightly", "--interval", "1d", "--replace", "--accept-yes")
    (left,) = world.call("ListSchedules").schedules
    assert left.id != schedule
    assert left.interval.interval.ToSeconds() == 86_400


@pytest.mark.usefixtures("schedule")
def test_nothing_is_done_to_others_where_nobody_says_yes(world: World, antiphon: Cli) -> None:
    for command in (
        ["deployment", "delete", "--all"],
        ["deployment", "schedule", "clear", "etl/nightly"],
        ["deployment", "schedule", "create", "etl/nightly", "--cron", "@daily", "--replace"],
    ):
        result = antiphon(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "give --yes" in result.stderr
    assert len(world.call("ListSchedules").schedules) == 1
