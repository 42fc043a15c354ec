"""Deployments, work pools and work queues: rows to messages and messages to operations."""

import json
from typing import Any

from antiphon.v1 import deployment_pb2, deployment_service_pb2, work_pool_pb2, work_pool_service_pb2
from antiphon_server.application.deployments import CreateDeployment, UpdateDeployment
from antiphon_server.application.edits import tags_column
from antiphon_server.application.work_pools import CreateWorkPool, CreateWorkQueue, UpdateWorkPool, UpdateWorkQueue
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.facts import CollisionStrategy
from antiphon_server.rpc.limit_conversions import limit_of, own_limit, stamps
from antiphon_server.rpc.mutations import Columns, masked
from antiphon_server.wire_times import duration_to_micros, micros_to_duration


def deployment_message(row: Any) -> deployment_pb2.Deployment:
    return deployment_pb2.Deployment(
        id=row.id,
        name=row.name,
        flow_id=row.flow_id,
        flow_name=row.flow_name,
        paused=row.paused,
        collision_strategy=row.collision_strategy,
        grace_period=micros_to_duration(row.grace_period) if row.grace_period is not None else None,
        work_queue_id=row.work_queue_id,
        tags=json.loads(row.tags),
        **own_limit(row),
        **stamps(row),
    )


def work_pool_message(row: Any) -> work_pool_pb2.WorkPool:
    return work_pool_pb2.WorkPool(
        id=row.id, name=row.name, type=row.type, paused=row.paused, **own_limit(row), **stamps(row)
    )


def work_queue_message(row: Any) -> work_pool_pb2.WorkQueue:
    return work_pool_pb2.WorkQueue(
        id=row.id,
        work_pool_id=row.work_pool_id,
        work_pool_name=row.work_pool_name,
        name=row.name,
        paused=row.paused,
        priority=row.priority,
        **own_limit(row),
        **stamps(row),
    )


def create_deployment_from(message: deployment_pb2.Deployment) -> CreateDeployment:
    if not message.flow_id and not message.flow_name:
        raise InvalidArgument(
            "FLOW_MISSING",
            "a deployment needs flow_id, or flow_name to find the flow or register it",
            field="deployment.flow_name",
        )
    values = {
        "name": message.name,
        "paused": message.paused,
        "collision_strategy": _strategy(message.collision_strategy),
        "grace_period": _grace_period(message),
        "work_queue_id": message.work_queue_id.lower() or None,
        "tags": tags_column(message.tags),
    }
    return CreateDeployment(message.flow_id.lower(), message.flow_name, values, limit_of(message))


def update_deployment_from(request: deployment_service_pb2.UpdateDeploymentRequest) -> UpdateDeployment:
    message = request.deployment
    values = masked(
        request.update_mask,
        message,
        {
            "name": str,
            "paused": bool,
            "concurrency_limit": lambda _: limit_of(message),
            "collision_strategy": _strategy,
            "grace_period": lambda _: _grace_period(message),
            "work_queue_id": lambda id: id.lower() or None,
            "tags": tags_column,
        },
    )
    return UpdateDeployment(message.id.lower(), message.etag, values)


def _strategy(number: int) -> int:
    return number or CollisionStrategy.ENQUEUE.value


def _grace_period(message: deployment_pb2.Deployment) -> int | None:
    if not message.HasField("grace_period"):
        return None
    return duration_to_micros(message.grace_period, "deployment.grace_period")


def create_work_pool_from(message: work_pool_pb2.WorkPool) -> CreateWorkPool:
    values = {"name": message.name, "type": message.type, "paused": message.paused}
    return CreateWorkPool(values, limit_of(message))


def update_work_pool_from(request: work_pool_service_pb2.UpdateWorkPoolRequest) -> UpdateWorkPool:
    message = request.work_pool
    columns: Columns = {"name": str, "type": str, "paused": bool, "concurrency_limit": lambda _: limit_of(message)}
    return UpdateWorkPool(message.id.lower(), message.etag, masked(request.update_mask, message, columns))


def create_work_queue_from(message: work_pool_pb2.WorkQueue) -> CreateWorkQueue:
    values = {
        "work_pool_id": message.work_pool_id.lower(),
        "name": message.name,
        "paused": message.paused,
        "priority": message.priority,
    }
    return CreateWorkQueue(values, limit_of(message))


def update_work_queue_from(request: work_pool_service_pb2.UpdateWorkQueueRequest) -> UpdateWorkQueue:
    message = request.work_queue
    columns: Columns = {"name": str, "paused": bool, "concurrency_limit": lambda _: limit_of(message), "priority": int}
    return UpdateWorkQueue(message.id.lower(), message.etag, masked(request.update_mask, message, columns))
