"""Job variables are compared with the job template of their work pool before anything is written."""

import json
from typing import Any

import grpc
import pytest

from running_server import RunningServer
from world import World

TEMPLATE = {
    "job_configuration": {"image": "{{ image }}", "cpu": "{{ cpu }}", "env": "{{ env }}"},
    "variables": {
        "type": "object",
        "properties": {
            "image": {"type": "string"},
            "cpu": {"type": "integer", "minimum": 1},
            "env": {"type": "object", "default": {}},
        },
        "required": ["image", "env"],
        "additionalProperties": False,
    },
}


@pytest.fixture
def pool(server: RunningServer) -> World:
    world = World(server)
    pool = {"name": "p", "type": "docker", "baseJobTemplate": json.dumps(TEMPLATE)}
    world.call("CreateWorkPool", {"workPool": pool})
    return world


def deployment(variables: Any, **fields: Any) -> dict[str, Any]:
    wanted = {"name": "d", "flowName": "f", "workPoolName": "p", "jobVariables": json.dumps(variables), **fields}
    return {"deployment": wanted}


@pytest.mark.parametrize("variables", [{}, {"cpu": 2}, {"image": "x"}, {"cpu": "{{ antiphon.variables.cpu }}"}])
def test_a_deployment_may_leave_some_to_its_runs(pool: World, variables: dict[str, Any]) -> None:
    made = pool.call("CreateDeployment", deployment(variables)).deployment
    assert json.loads(made.job_variables) == variables


@pytest.mark.parametrize(
    ("variables", "field", "said"),
    [
        ({"cpu": "many"}, "deployment.job_variables.cpu", "'many' is not of type 'integer'"),
        ({"cpu": 0}, "deployment.job_variables.cpu", "0 is less than the minimum of 1"),
        ({"disk": 1}, "deployment.job_variables", "'disk' was unexpected"),
    ],
)
def test_what_fits_no_template_is_refused(pool: World, variables: dict[str, Any], field: str, said: str) -> None:
    for method in ("CreateDeployment", "ApplyDeployment"):
        refusal = pool.refused(method, deployment(variables))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "JOB_VARIABLES_INVALID")
        assert refusal.fields == (field,)
        assert said in refusal.message
    assert not pool.call("ListDeployments").deployments


def test_a_change_of_variables_or_pool_is_looked_at(pool: World) -> None:
    id = pool.call("CreateDeployment", deployment({"cpu": 2})).deployment.id
    change = {"deployment": {"id": id, "jobVariables": '{"cpu": "x"}'}, "updateMask": "jobVariables"}
    assert pool.refused("UpdateDeployment", change).reason == "JOB_VARIABLES_INVALID"
    strict = {
        "name": "s",
        "type": "docker",
        "baseJobTemplate": json.dumps(
            {**TEMPLATE, "variables": {"type": "object", "properties": {"image": {}, "cpu": {"maximum": 1}, "env": {}}}}
        ),
    }
    queue = pool.call("CreateWorkPool", {"workPool": strict}).work_pool.default_work_queue_id
    move = {"deployment": {"id": id, "workQueueId": queue}, "updateMask": "workQueueId"}
    assert pool.refused("UpdateDeployment", move).reason == "JOB_VARIABLES_INVALID"
    pool.call("UpdateDeployment", {**change, "deployment": {"id": id, "jobVariables": '{"cpu": 1}'}})
    pool.call("UpdateDeployment", move)


def test_a_run_brings_what_the_deployment_left(pool: World) -> None:
    id = pool.call("CreateDeployment", deployment({"cpu": 2})).deployment.id
    run = pool.call("RunDeployment", {"id": id, "jobVariables": '{"image": "x"}'}).flow_run
    assert json.loads(run.job_variables) == {"cpu": 2, "image": "x"}
    missing = pool.refused("RunDeployment", {"id": id, "jobVariables": '{"cpu": 3}'})
    assert (missing.reason, missing.fields) == ("JOB_VARIABLES_INVALID", ("job_variables",))
    assert "'image' is a required property" in missing.message
    assert len(pool.call("ListFlowRuns").flow_runs) == 1


def test_a_pool_without_a_template_takes_any(server: RunningServer) -> None:
    world = World(server)
    world.call("CreateWorkPool", {"workPool": {"name": "p", "type": "process"}})
    id = world.call("CreateDeployment", deployment({"any": ["thing"]})).deployment.id
    world.call("RunDeployment", {"id": id, "jobVariables": '{"more": 1}'})
