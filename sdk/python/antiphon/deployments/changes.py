"""What applying a deployment would change."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict

from antiphon.v1 import deployment_pb2, schedule_pb2
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import ApplyDeploymentRequest

_JSON_TEXTS = ("pull_steps", "parameter_schema", "job_variables")
#: What the server fills in.
_OUTPUT_ONLY = ("id", "deployment_id", "next_time", "create_time", "update_time", "etag", "paused")


@dataclass(frozen=True, slots=True)
class Change:
    """One field, as the server has it and as it would be; as JSON says them."""

    field: str
    before: Any
    after: Any


def changes(existing: Deployment | None, request: ApplyDeploymentRequest) -> list[Change]:
    """Return what a request would change; `existing` is the deployment as it is, None where it is new."""
    return list(_changes(existing if existing is not None else Deployment(), request))


def _changes(existing: Deployment, request: ApplyDeploymentRequest) -> Iterator[Change]:
    for path in request.existing_mask.paths:
        if path in ("work_queue_id", "work_queue_name"):
            yield from _change("work_pool_name", existing.work_pool_name, request.deployment.work_pool_name)
            wanted = request.deployment.work_queue_name
            if wanted:
                yield from _change("work_queue_name", existing.work_queue_name, wanted)
            continue
        before, after = _value(existing, path), _value(request.deployment, path)
        yield from _change(path, _without_pauses(before, after) if path == "schedules" else before, after)


def _without_pauses(before: list[Any], after: list[Any]) -> list[Any]:
    """A schedule that somebody has paused stays so where nothing is said of it."""
    said = [each.get("paused", False) for each in after] + [False] * len(before)
    return [
        each if said[place] else {key: value for key, value in each.items() if key != "paused"}
        for place, each in enumerate(before)
    ]


def _change(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before != after:
        yield Change(path, before, after)


def _value(deployment: Deployment, path: str) -> Any:
    value = getattr(deployment, path)
    if path in _JSON_TEXTS:
        return json.loads(value) if value else None
    if path == "parameters":
        return json.loads(value.data) if value.data else {}
    if path == "schedules":
        return [_schedule(each) for each in value]
    if path == "tags":
        return sorted(value)
    if path == "labels":
        return dict(value)
    if path == "collision_strategy":
        return deployment_pb2.CollisionStrategy.Name(value or deployment_pb2.COLLISION_STRATEGY_ENQUEUE)
    if path in ("concurrency_limit", "grace_period"):
        if not deployment.HasField(path):
            return None
        return value if path == "concurrency_limit" else value.ToTimedelta().total_seconds()
    return value


def _schedule(schedule: schedule_pb2.Schedule) -> dict[str, Any]:
    """A schedule as its author says it, with the defaults of the server."""
    full = schedule_pb2.Schedule()
    full.CopyFrom(schedule)
    full.catch_up = schedule.catch_up or schedule_pb2.CATCH_UP_LATEST
    full.overlap = schedule.overlap or schedule_pb2.OVERLAP_ALLOW
    made = MessageToDict(full, preserving_proto_field_name=True)
    if schedule.parameters.data:
        made["parameters"] = json.loads(schedule.parameters.data)
    kept = {key: value for key, value in made.items() if key not in _OUTPUT_ONLY}
    return kept | {"paused": True} if schedule.paused else kept
