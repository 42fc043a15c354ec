"""Work pools and work queues: rows to messages and messages to operations."""

from typing import Any

from antiphon.v1 import work_pool_pb2, work_pool_service_pb2
from antiphon_server.application.job_templates import check_job_template
from antiphon_server.application.work_pools import CreateWorkPool, CreateWorkQueue, UpdateWorkPool, UpdateWorkQueue
from antiphon_server.rpc.limit_conversions import limit_of, own_limit, stamps
from antiphon_server.rpc.mutations import Columns, masked


def work_pool_message(row: Any) -> work_pool_pb2.WorkPool:
    return work_pool_pb2.WorkPool(
        id=row.id,
        name=row.name,
        type=row.type,
        description=row.description,
        base_job_template=row.base_job_template,
        paused=row.paused,
        status=_status(row, row.paused),
        default_work_queue_id=row.default_work_queue_id,
        **own_limit(row),
        **stamps(row),
    )


def work_queue_message(row: Any) -> work_pool_pb2.WorkQueue:
    return work_pool_pb2.WorkQueue(
        id=row.id,
        work_pool_id=row.work_pool_id,
        work_pool_name=row.work_pool_name,
        name=row.name,
        description=row.description,
        paused=row.paused,
        status=_status(row, row.paused or row.pool_paused),
        priority=row.priority,
        **own_limit(row),
        **stamps(row),
    )


def _status(row: Any, paused: bool) -> work_pool_pb2.WorkPoolStatus:
    if paused:
        return work_pool_pb2.WORK_POOL_STATUS_PAUSED
    return work_pool_pb2.WORK_POOL_STATUS_READY if row.served else work_pool_pb2.WORK_POOL_STATUS_NOT_READY


def _template(text: str) -> str:
    if text:
        check_job_template(text, "work_pool.base_job_template")
    return text


def create_work_pool_from(message: work_pool_pb2.WorkPool) -> CreateWorkPool:
    values = {
        "name": message.name,
        "type": message.type,
        "description": message.description,
        "base_job_template": _template(message.base_job_template),
        "paused": message.paused,
    }
    return CreateWorkPool(values, limit_of(message))


def update_work_pool_from(request: work_pool_service_pb2.UpdateWorkPoolRequest) -> UpdateWorkPool:
    message = request.work_pool
    columns: Columns = {
        "name": str,
        "type": str,
        "description": str,
        "base_job_template": _template,
        "paused": bool,
        "concurrency_limit": lambda _: limit_of(message),
    }
    return UpdateWorkPool(message.id.lower(), message.etag, masked(request.update_mask, message, columns))


def create_work_queue_from(message: work_pool_pb2.WorkQueue) -> CreateWorkQueue:
    values = {
        "work_pool_id": message.work_pool_id.lower(),
        "name": message.name,
        "description": message.description,
        "paused": message.paused,
        "priority": message.priority,
    }
    return CreateWorkQueue(values, limit_of(message))


def update_work_queue_from(request: work_pool_service_pb2.UpdateWorkQueueRequest) -> UpdateWorkQueue:
    message = request.work_queue
    columns: Columns = {
        "name": str,
        "description": str,
        "paused": bool,
        "concurrency_limit": lambda _: limit_of(message),
        "priority": int,
    }
    return UpdateWorkQueue(message.id.lower(), message.etag, masked(request.update_mask, message, columns))
