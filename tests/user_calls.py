"""What the RPCs of artifacts and variables do, for the tests of every unary RPC."""

from typing import Any

from work_calls import Ask, Check
from world import World


def new_version(world: World) -> str:
    """An artifact that has the key of the world's own one."""
    artifact = {"key": "report", "type": "table", "data": "[[1]]", "taskRunId": world.task.upper()}
    return str(world.call("CreateArtifact", {"artifact": artifact}).artifact.id)


def _version(world: World, **request: Any) -> dict[str, Any]:
    new_version(world)
    return request


#: RPC -> (request, what must hold of the answer).
USER_DOES: dict[str, tuple[Ask, Check]] = {
    "CreateArtifact": (
        lambda w: {
            "artifact": {
                "key": "q3-sales",
                "type": "table",
                "description": "*All* of it",
                "data": '[{"a": 1}]',
                "metadata": {"rows": "1"},
                "flowRunId": w.run.upper(),
                "taskRunId": w.task,
                "etag": "ignored",
            }
        },
        lambda r, w: (
            (r.artifact.key, r.artifact.type, r.artifact.description) == ("q3-sales", "table", "*All* of it")
            and (r.artifact.data, dict(r.artifact.metadata), r.artifact.etag) == ('[{"a": 1}]', {"rows": "1"}, "1")
            and (r.artifact.flow_run_id, r.artifact.task_run_id) == (w.run, w.task)
            and w.call("GetArtifact", {"id": r.artifact.id}).artifact == r.artifact
        ),
    ),
    "GetArtifact": (
        lambda w: {"id": w.artifact.upper()},
        lambda r, w: (r.artifact.id, r.artifact.data, r.artifact.flow_run_id) == (w.artifact, "# One", w.run),
    ),
    "GetLatestArtifact": (
        lambda w: _version(w, key="report"),
        lambda r, w: (r.artifact.data, r.artifact.task_run_id, r.artifact.flow_run_id) == ("[[1]]", w.task, ""),
    ),
    "ListArtifacts": (
        lambda w: _version(w, filter="key:* AND (type = markdown OR type = table)", orderBy="type"),
        lambda r, w: [(each.type, each.data) for each in r.artifacts] == [("markdown", "# One"), ("table", "[[1]]")],
    ),
    "ListLatestArtifacts": (
        lambda w: _version(w, withoutData=True),
        lambda r, w: [(each.key, each.type, each.data) for each in r.artifacts] == [("report", "table", "")],
    ),
    "UpdateArtifact": (
        lambda w: {
            "artifact": {"id": w.artifact.upper(), "etag": "1", "data": "# Two", "key": "other", "description": "d"},
            "updateMask": "data,metadata",
        },
        lambda r, w: (
            (r.artifact.data, dict(r.artifact.metadata), r.artifact.etag) == ("# Two", {}, "2")
            and (r.artifact.key, r.artifact.description) == ("report", "")
            and w.call("GetArtifact", {"id": w.artifact}).artifact == r.artifact
        ),
    ),
    "DeleteArtifact": (
        lambda w: {"id": w.artifact, "etag": "1"},
        lambda r, w: w.refused("GetArtifact", {"id": w.artifact}).reason == "ARTIFACT_NOT_FOUND",
    ),
    "CreateVariable": (
        lambda w: {"variable": {"name": "a-b_1", "value": ' {"é": [1, null]} ', "tags": ["x", "y"]}},
        lambda r, w: (
            (r.variable.name, r.variable.value, r.variable.tags) == ("a-b_1", ' {"é": [1, null]} ', ["x", "y"])
            and r.variable.etag == "1"
            and w.call("GetVariable", {"id": r.variable.id}).variable == r.variable
        ),
    ),
    "SetVariable": (
        lambda w: {"variable": {"name": "db_url", "value": "5"}},
        lambda r, w: (
            (r.variable.id, r.variable.value, r.variable.tags, r.variable.etag) == (w.variable, "5", [], "2")
            and w.call("GetVariable", {"name": "db_url"}).variable == r.variable
        ),
    ),
    "GetVariable": (
        lambda w: {"name": "db_url"},
        lambda r, w: r == w.call("GetVariable", {"id": w.variable.upper()}) and r.variable.value == '"here"',
    ),
    "ListVariables": (
        lambda w: {"filter": 'tags:x AND name = "db_*"', "orderBy": "name"},
        lambda r, w: [each.id for each in r.variables] == [w.variable],
    ),
    "UpdateVariable": (
        lambda w: {
            "variable": {"id": w.variable, "name": "other", "value": "true", "tags": ["z"]},
            "updateMask": "name,value",
        },
        lambda r, w: (r.variable.name, r.variable.value, r.variable.tags) == ("other", "true", ["x"]),
    ),
    "DeleteVariable": (
        lambda w: {"name": "db_url", "etag": "1"},
        lambda r, w: w.call("ListVariables").variables == [],
    ),
}
