"""What there is in the stories of the command line."""

from typing import Any

from hand_worker import HandWorker
from world import World


def furnish(world: World) -> dict[str, str]:
    """One of everything, as the stories tell of it; ids by name."""
    world.fill()
    done = _flow_run(world, "done", "etl", "COMPLETED", tags=["x"])
    task = {"flowRunId": done, "taskKey": "load", "name": "load"}
    load = world.call("CreateTaskRun", {"taskRun": task}).task_run.id
    for state in ("RUNNING", "COMPLETED"):
        world.propose(load, state, task=True)
    lines = [("beginning", 20, {}), ("loading\nmore", 30, {"taskRunId": load}), ("over", 20, {})]
    for second, (message, level, more) in enumerate(lines):
        moment = f"2026-01-01T00:00:0{second}Z"
        line = {"message": message, "level": level, "createTime": moment, "flowRunId": done, **more}
        world.call("CreateLogs", {"logs": [line]})
    for name in ("going", "going-too"):
        _flow_run(world, name, "etl", "RUNNING")
    _deployments(world)
    deployed = {"id": world.deployment, "flowRunName": "deployed"}
    run = world.call("RunDeployment", deployed).flow_run.id
    for state in ("PENDING", "RUNNING"):
        world.propose(run, state)
    _others(world)
    operation = world.operation().id
    span = {"startTime": "2030-01-01T00:00:00Z", "endTime": "2030-01-04T00:00:00Z"}
    filled = {"id": world.deployment, "scheduleId": world.schedule, **span}
    backfill = world.call("BackfillDeployment", filled).operation.id
    alone = world.call("CreateArtifact", {"artifact": {"type": "markdown", "data": "# Alone"}}).artifact.id
    return {"operation": operation, "backfill": backfill, "artifact": alone}


def _flow_run(world: World, name: str, flow: str, state: str, **fields: Any) -> str:
    id: str = world.call("CreateFlowRun", {"flowRun": {"flowName": flow, "name": name, **fields}}).flow_run.id
    world.propose(id, "RUNNING")
    if state != "RUNNING":
        world.propose(id, state)
    return id


def _deployments(world: World) -> None:
    schema = '{"type": "object", "properties": {"x": {"type": "integer"}, "name": {"type": "string"}}}'
    fields = {
        "version": "1.1",
        "description": "Loads what came in by day.",
        "entrypoint": "flows/etl.py:etl",
        "tags": ["prod"],
        "labels": {"team": "data"},
        "workQueueId": world.queue,
        "parameterSchema": schema,
        "enforceParameterSchema": True,
        "parameters": {"metadata": {"encoding": "json/plain"}, "data": "eyJ4IjogMX0="},
    }
    mask = "version,description,entrypoint,tags,labels,workQueueId,parameterSchema,enforceParameterSchema,parameters"
    world.call("UpdateDeployment", {"deployment": {"id": world.deployment, **fields}, "updateMask": mask})
    world.call("CreateDeployment", {"deployment": {"name": "plain", "flowId": world.flow, "paused": True}})


def _others(world: World) -> None:
    worker = HandWorker(world.server.channel, name="left", work_pool_name="pool", client="test", labels={"gpu": "2"})
    worker.next("welcome")
    worker.goodbye()
    world.call("RegisterBlockType", {"blockType": {"name": "Other", "slug": "other"}, "blockSchema": {"fields": "{}"}})
