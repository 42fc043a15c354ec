"""Deployments, work pools and queues, workers, and limits."""

from uuid import UUID

from antiphon.client.conversions.schedules import schedule_from
from antiphon.client.conversions.values import optional_time, optional_uuid, read_json, read_json_object
from antiphon.client.schemas.objects import (
    ConcurrencyLimit,
    ConcurrencyLimitStrategy,
    ConcurrencyOptions,
    Worker,
    WorkerStatus,
    WorkPool,
    WorkPoolStatus,
    WorkQueue,
    WorkQueueStatus,
)
from antiphon.client.schemas.responses import DeploymentResponse, GlobalConcurrencyLimitResponse
from antiphon.v1 import concurrency_limit_pb2, deployment_pb2, work_pool_pb2, worker_pb2

__all__ = [
    "TAG_PREFIX",
    "deployment_from",
    "global_limit_from",
    "strategy_number",
    "tag_limit_from",
    "work_pool_from",
    "work_queue_from",
    "worker_from",
]

#: What the name of a limit begins with that bounds the task runs of a tag.
TAG_PREFIX = "tag:"


def deployment_from(
    proto: deployment_pb2.Deployment, queue: work_pool_pb2.WorkQueue | None = None
) -> DeploymentResponse:
    """Return a deployment; `queue` is its work queue, where it has one."""
    limited = proto.HasField("concurrency_limit")
    grace = proto.grace_period.seconds if proto.HasField("grace_period") else None
    options = ConcurrencyOptions.model_construct(
        collision_strategy=_strategy(proto.collision_strategy), grace_period_seconds=grace
    )
    return DeploymentResponse(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        flow_id=UUID(proto.flow_id),
        paused=proto.paused,
        concurrency_limit=proto.concurrency_limit if limited else None,
        concurrency_options=options if limited else None,
        tags=list(proto.tags),
        version=proto.version or None,
        description=proto.description or None,
        schedules=list(map(schedule_from, proto.schedules)),
        job_variables=read_json(proto.job_variables) or {},
        parameters=read_json_object(proto.parameters),
        pull_steps=read_json(proto.pull_steps),
        labels=dict(proto.labels),
        parameter_openapi_schema=read_json(proto.parameter_schema),
        path=proto.path or None,
        entrypoint=proto.entrypoint or None,
        enforce_parameter_schema=proto.enforce_parameter_schema,
        work_queue_id=optional_uuid(proto.work_queue_id),
        work_queue_name=queue.name if queue is not None else None,
        work_pool_name=queue.work_pool_name if queue is not None else None,
    )


def strategy_number(strategy: ConcurrencyLimitStrategy) -> deployment_pb2.CollisionStrategy:
    """Return the contract's number for a strategy."""
    if strategy is ConcurrencyLimitStrategy.CANCEL_NEW:
        return deployment_pb2.COLLISION_STRATEGY_CANCEL_NEW
    return deployment_pb2.COLLISION_STRATEGY_ENQUEUE


def _strategy(number: int) -> ConcurrencyLimitStrategy:
    cancels = number == deployment_pb2.COLLISION_STRATEGY_CANCEL_NEW
    return ConcurrencyLimitStrategy.CANCEL_NEW if cancels else ConcurrencyLimitStrategy.ENQUEUE


def work_pool_from(proto: work_pool_pb2.WorkPool) -> WorkPool:
    """Return a work pool."""
    return WorkPool(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        type=proto.type,
        is_paused=proto.paused,
        concurrency_limit=proto.concurrency_limit if proto.HasField("concurrency_limit") else None,
        description=proto.description or None,
        base_job_template=read_json(proto.base_job_template) or {},
        status=_status(proto.status),
        active_slots=proto.active_slots,
        default_queue_id=optional_uuid(proto.default_work_queue_id),
    )


def work_queue_from(proto: work_pool_pb2.WorkQueue) -> WorkQueue:
    """Return a work queue."""
    return WorkQueue(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        is_paused=proto.paused,
        concurrency_limit=proto.concurrency_limit if proto.HasField("concurrency_limit") else None,
        priority=proto.priority,
        work_pool_id=UUID(proto.work_pool_id),
        work_pool_name=proto.work_pool_name,
        description=proto.description,
        status=WorkQueueStatus(status) if (status := _status(proto.status)) is not None else None,
        active_slots=proto.active_slots,
    )


def _status(number: work_pool_pb2.WorkPoolStatus) -> WorkPoolStatus | None:
    if number == work_pool_pb2.WORK_POOL_STATUS_UNSPECIFIED:
        return None
    return WorkPoolStatus(work_pool_pb2.WorkPoolStatus.Name(number).removeprefix("WORK_POOL_STATUS_"))


def worker_from(proto: worker_pb2.Worker) -> Worker:
    """Return a worker."""
    return Worker(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        work_pool_id=UUID(proto.work_pool_id),
        last_heartbeat_time=optional_time(proto, "last_heard_time"),
        status=WorkerStatus.ONLINE if proto.status == worker_pb2.WORKER_STATUS_ONLINE else WorkerStatus.OFFLINE,
    )


def tag_limit_from(proto: concurrency_limit_pb2.ConcurrencyLimit, holders: list[str]) -> ConcurrencyLimit:
    """Return the limit of a tag; `holders` are the ids of those that hold its slots."""
    return ConcurrencyLimit(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        tag=proto.name.removeprefix(TAG_PREFIX),
        concurrency_limit=proto.limit,
        active_slots=[UUID(each) for each in holders],
    )


def global_limit_from(proto: concurrency_limit_pb2.ConcurrencyLimit) -> GlobalConcurrencyLimitResponse:
    """Return a limit by its name."""
    return GlobalConcurrencyLimitResponse(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        limit=proto.limit,
        active=proto.active,
        active_slots=proto.active_slots,
        slot_decay_per_second=proto.slot_decay_per_second,
    )
