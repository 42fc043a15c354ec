"""What a run's process is told of its deployment."""

from typing import Any

from antiphon.deployed_code import deployment_of_run
from antiphon.v1.deployment_pb2 import Deployment
from running_server import RunningServer
from stored import Stored
from world import World

GIVEN = {"metadata": {"encoding": "json/plain"}, "data": "eyJ4IjogMX0="}


def test_a_run_has_its_deployment_as_it_was_when_it_was_made(stored: Stored, shared_server: RunningServer) -> None:
    world = World(shared_server)
    first = {
        "flowName": "deployed code",
        "name": "d",
        "entrypoint": "flows.py:f",
        "tags": ["old"],
        "labels": {"a": "b"},
    }
    made = world.call("CreateDeployment", {"deployment": first}).deployment
    run = world.call("RunDeployment", {"id": made.id}).flow_run
    assert deployment_of_run(stored.client, run) == made
    then: dict[str, Any] = {"tags": ["new"], "pullSteps": "[]", "parameters": GIVEN, "version": "2", "path": "/"}
    mask = "tags,pullSteps,parameters,version,path,entrypoint,labels"
    world.call("UpdateDeployment", {"deployment": {"id": made.id, **then}, "updateMask": mask})
    found = deployment_of_run(stored.client, run)
    # What belongs to no version is as it is now.
    same = Deployment.FromString(made.SerializeToString())
    for field in ("update_time", "etag", "version_number"):
        same.ClearField(field)
        found.ClearField(field)
    assert found == same
