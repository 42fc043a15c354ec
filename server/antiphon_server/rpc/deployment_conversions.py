"""Deployments: rows to messages and messages to operations."""

import json
from collections.abc import Iterable
from typing import Any

from antiphon.v1 import deployment_pb2, payload_pb2, worker_pb2
from antiphon.v1 import deployment_service_pb2 as pb
from antiphon_server.application.arguments import check_arguments, check_json
from antiphon_server.application.deployment_runs import RunDeployment, RunOf
from antiphon_server.application.deployments import ApplyDeployment, CreateDeployment, UpdateDeployment
from antiphon_server.application.edits import tags_column
from antiphon_server.application.input_schemas import check_parameter_schema
from antiphon_server.application.proposals import digest_of
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.facts import CollisionStrategy
from antiphon_server.rpc.limit_conversions import limit_of, own_limit, stamps
from antiphon_server.rpc.mutations import Columns, masked
from antiphon_server.rpc.schedule_conversions import schedule_columns, schedule_message
from antiphon_server.rpc.write_conversions import new_id
from antiphon_server.wire_times import duration_to_micros, micros_to_duration, micros_to_timestamp, timestamp_to_micros

#: Fields whose column is called otherwise.
_COLUMNS = {"version": "version_name", "work_queue_name": "work_queue"}


def deployment_message(row: Any, schedules: Iterable[Any]) -> deployment_pb2.Deployment:
    return deployment_pb2.Deployment(
        id=row.id,
        name=row.name,
        flow_id=row.flow_id,
        flow_name=row.flow_name,
        paused=row.paused,
        collision_strategy=row.collision_strategy,
        grace_period=micros_to_duration(row.grace_period) if row.grace_period is not None else None,
        work_queue_id=row.work_queue_id,
        work_queue_name=row.work_queue_name,
        work_pool_name=row.work_pool_name,
        schedules=map(schedule_message, schedules),
        version_number=row.version_number,
        **_content(row),
        **own_limit(row),
        **stamps(row),
    )


def deployment_of_version(row: Any, version: Any) -> deployment_pb2.Deployment:
    """The deployment as it was in a version, a row; None for the one that holds."""
    message = deployment_message(row, ())
    if version is not None:
        content = _content(version)
        for name in content:
            message.ClearField(name)
        message.MergeFrom(deployment_pb2.Deployment(**content, version_number=version.number))
    return message


def version_message(row: Any) -> deployment_pb2.DeploymentVersion:
    return deployment_pb2.DeploymentVersion(
        number=row.number,
        deployment=deployment_pb2.Deployment(**_content(row)),
        create_time=micros_to_timestamp(row.create_time),
    )


def _content(row: Any) -> dict[str, Any]:
    """What a version keeps."""
    return {
        "description": row.description,
        "version": row.version_name,
        "entrypoint": row.entrypoint,
        "path": row.path,
        "pull_steps": row.pull_steps,
        "parameters": payload_pb2.Payload.FromString(row.parameters) if row.parameters is not None else None,
        "parameter_schema": row.parameter_schema,
        "enforce_parameter_schema": row.enforce_parameter_schema,
        "job_variables": row.job_variables,
        "tags": json.loads(row.tags),
        "labels": json.loads(row.labels),
        "worker_affinity": worker_pb2.WorkerAffinity(**json.loads(row.worker_affinity))
        if row.worker_affinity
        else None,
    }


def create_deployment_from(message: deployment_pb2.Deployment) -> CreateDeployment:
    if not message.flow_id and not message.flow_name:
        raise InvalidArgument(
            "FLOW_MISSING",
            "a deployment needs flow_id, or flow_name to find the flow or register it",
            field="deployment.flow_name",
        )
    columns = _columns(message)
    if message.work_queue_id or not message.work_pool_name:
        _check_pool(message)
        del columns["work_queue_name"]
    else:
        del columns["work_queue_id"]
    values = {_COLUMNS.get(path, path): column(getattr(message, path)) for path, column in columns.items()}
    return CreateDeployment(message.flow_id.lower(), message.flow_name, values)


def update_deployment_from(request: pb.UpdateDeploymentRequest) -> UpdateDeployment:
    message = request.deployment
    return UpdateDeployment(message.id.lower(), message.etag, _changes(request.update_mask, message))


def apply_deployment_from(request: pb.ApplyDeploymentRequest) -> ApplyDeployment:
    creation = create_deployment_from(request.deployment)
    if request.HasField("existing_mask"):
        return ApplyDeployment(creation, _changes(request.existing_mask, request.deployment, "existing_mask"))
    return ApplyDeployment(creation, {name: value for name, value in creation.values.items() if name != "paused"})


def run_deployment_from(request: pb.RunDeploymentRequest, now: int) -> RunDeployment:
    """Without a time of its own the run is to start `now`."""
    body = pb.RunDeploymentRequest()
    body.CopyFrom(request)
    # One that is sent again under a new one, or without, asks for the same run.
    body.ClearField("request_id")
    if request.HasField("parameters"):
        check_arguments(request.parameters, "parameters")
    run = RunOf(
        scheduled_time=(
            timestamp_to_micros(request.scheduled_time, "scheduled_time") if request.HasField("scheduled_time") else now
        ),
        id=request.flow_run_id.lower() or new_id(),
        name=request.flow_run_name,
        tags=tuple(request.tags),
        parameters=_payload(request.parameters) if request.HasField("parameters") else None,
        job_variables=check_json(request.job_variables, dict, "job_variables"),
        idempotency_key=request.idempotency_key or None,
        priority=request.priority,
        parent_task_run_id=request.parent_task_run_id.lower() or None,
        digest=digest_of(body.SerializeToString(deterministic=True)),
    )
    named = request.name
    return RunDeployment(request.id.lower(), run, request.work_queue_name, named.name, named.flow_name)


def _changes(mask: Any, message: deployment_pb2.Deployment, field: str = "update_mask") -> dict[str, Any]:
    if "work_queue_name" in mask.paths:
        _check_pool(message, needed=True)
    values = masked(mask, message, _columns(message), field)
    return {_COLUMNS.get(path, path): value for path, value in values.items()}


def _columns(message: deployment_pb2.Deployment) -> Columns:
    """For each field that may be set, what makes a column's value of it."""
    return {
        "name": str,
        "description": str,
        "version": str,
        "paused": bool,
        "entrypoint": str,
        "path": str,
        "pull_steps": lambda text: check_json(text, list, "deployment.pull_steps"),
        "parameters": lambda _: _parameters(message),
        "parameter_schema": _schema,
        "enforce_parameter_schema": bool,
        "job_variables": lambda text: check_json(text, dict, "deployment.job_variables"),
        "schedules": _schedules,
        "concurrency_limit": lambda _: limit_of(message),
        "collision_strategy": _strategy,
        "grace_period": lambda _: _grace_period(message),
        "work_queue_id": lambda id: id.lower() or None,
        "work_queue_name": lambda name: (message.work_pool_name, name),
        "tags": tags_column,
        "labels": lambda labels: json.dumps(dict(labels)),
        "worker_affinity": _affinity,
    }


def _check_pool(message: deployment_pb2.Deployment, *, needed: bool = False) -> None:
    """Raises InvalidArgument (WORK_POOL_MISSING) for a name of a queue that no pool is named with."""
    if not message.work_pool_name and (needed or (message.work_queue_name and not message.work_queue_id)):
        raise InvalidArgument(
            "WORK_POOL_MISSING",
            "work_queue_name needs work_pool_name beside it: queues of several pools may have one name",
            field="deployment.work_pool_name",
        )


def _parameters(message: deployment_pb2.Deployment) -> bytes | None:
    if not message.HasField("parameters"):
        return None
    check_arguments(message.parameters, "deployment.parameters")
    return _payload(message.parameters)


def _payload(payload: payload_pb2.Payload) -> bytes:
    return payload.SerializeToString(deterministic=True)


def _schema(text: str) -> str:
    if text:
        check_parameter_schema(text, "deployment.parameter_schema")
    return text


def _schedules(messages: Any) -> list[dict[str, Any]]:
    slugs = [message.slug for message in messages if message.slug]
    twice = next((slug for slug in slugs if slugs.count(slug) > 1), None)
    if twice is not None:
        raise InvalidArgument(
            "SLUG_TWICE", f"two schedules have the slug {twice!r}; each needs its own", field="deployment.schedules"
        )
    return [
        schedule_columns(message, f"deployment.schedules[{place}]", kept=("paused",))
        for place, message in enumerate(messages)
    ]


def _affinity(message: worker_pb2.WorkerAffinity) -> str:
    """One text for equal ones, since runs that ask for the same wait in one line."""
    asked = {name: dict(getattr(message, name)) for name in ("preferred", "required") if getattr(message, name)}
    return json.dumps(asked, sort_keys=True) if asked else ""


def _strategy(number: int) -> int:
    return number or CollisionStrategy.ENQUEUE.value


def _grace_period(message: deployment_pb2.Deployment) -> int | None:
    if not message.HasField("grace_period"):
        return None
    return duration_to_micros(message.grace_period, "deployment.grace_period")
