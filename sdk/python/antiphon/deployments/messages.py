"""Deployments as the contract has them."""

import json
from typing import Any

from antiphon.client.conversions.work import strategy_number
from antiphon.client.schemas.objects import ConcurrencyLimitConfig, VersionInfo
from antiphon.deployments.parameters import parameters_payload
from antiphon.deployments.schedule_messages import schedule_message
from antiphon.exceptions import SerializationError
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import ApplyDeploymentRequest

#: What a deployment always says of itself; where it says nothing, nothing shall be there.
_ALWAYS = (
    *("description", "version", "entrypoint", "path", "pull_steps", "parameters", "parameter_schema"),
    *("enforce_parameter_schema", "job_variables", "concurrency_limit", "collision_strategy", "grace_period", "tags"),
)


def apply_request(wanted: Any, info: VersionInfo | None = None) -> ApplyDeploymentRequest:
    """Return what asks for a RunnerDeployment to be there. What it leaves open (schedules, a pause) stays as it is.

    Raises SerializationError for parameters or job variables that JSON cannot say, ValueError for a secret that would
    be kept as plain text.
    """
    message = Deployment(
        name=wanted.name,
        flow_name=wanted.flow_name,
        description=wanted.description or "",
        version=(info.version if info is not None else wanted.version) or "",
        entrypoint=wanted.entrypoint,
        path=wanted.path or "",
        pull_steps=_json_text(_pull_steps(wanted), "pull_steps"),
        parameters=parameters_payload(wanted.parameters, "The parameters of a deployment"),
        parameter_schema=_json_text(wanted.parameter_schema, "parameter_schema"),
        enforce_parameter_schema=wanted.enforce_parameter_schema,
        job_variables=_json_text(wanted.job_variables, "job_variables"),
        tags=wanted.tags,
        work_pool_name=wanted.work_pool_name or "",
        work_queue_name=wanted.work_queue_name or "",
        paused=bool(wanted.paused),
        labels=_labels(info),
    )
    _write_limit(message, wanted.concurrency_limit)
    paths = [*_ALWAYS, "work_queue_name" if wanted.work_pool_name else "work_queue_id"]
    if wanted.schedules is not None:
        paths.append("schedules")
        message.schedules.extend(map(schedule_message, wanted.schedules))
    if wanted.paused is not None:
        paths.append("paused")
    if info is not None:
        paths.append("labels")
    return ApplyDeploymentRequest(deployment=message, existing_mask={"paths": paths})


def _pull_steps(wanted: Any) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = list(wanted.pull_steps)
    return [wanted.storage.to_pull_step(), *steps] if wanted.storage is not None else steps


def _json_text(value: Any, what: str) -> str:
    """Empty for nothing. Raises SerializationError."""
    if not value:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise SerializationError(f"The {what} of a deployment cannot be said in JSON: {error}.") from error


def _write_limit(message: Deployment, limit: int | ConcurrencyLimitConfig | None) -> None:
    if isinstance(limit, ConcurrencyLimitConfig):
        message.concurrency_limit = limit.limit
        message.collision_strategy = strategy_number(limit.collision_strategy)
        if limit.grace_period_seconds is not None:
            message.grace_period.seconds = limit.grace_period_seconds
    elif limit is not None:
        message.concurrency_limit = limit


def _labels(info: VersionInfo | None) -> dict[str, str]:
    """Where a version comes from, to find deployments by it."""
    if info is None:
        return {}
    facts = info.model_dump(exclude={"version"})
    return {f"version.{name}": str(value)[:500] for name, value in facts.items()}
