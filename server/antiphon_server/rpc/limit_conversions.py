"""Concurrency limits and what belongs to them: rows to messages and messages to operations."""

from typing import Any

from antiphon.v1 import concurrency_limit_pb2 as pb
from antiphon.v1 import concurrency_limit_service_pb2 as service_pb
from antiphon_server.application.limits import CreateConcurrencyLimit, UpdateConcurrencyLimit
from antiphon_server.rpc.mutations import Columns, masked
from antiphon_server.wire_times import micros_to_duration, micros_to_timestamp


def limit_message(row: Any) -> pb.ConcurrencyLimit:
    return pb.ConcurrencyLimit(
        id=row.id,
        name=row.name,
        limit=row.slots,
        active=row.active,
        slot_decay_per_second=row.slot_decay_per_second,
        active_slots=row.active_slots,
        average_occupancy=micros_to_duration(row.average_occupancy),
        **stamps(row),
    )


def slot_message(row: Any) -> pb.Slot:
    return pb.Slot(
        holder_id=row.holder_id,
        slots=row.count,
        acquire_time=micros_to_timestamp(row.acquire_time),
        expire_time=micros_to_timestamp(row.expire_time) if row.expire_time is not None else None,
        holder=row.holder,
    )


def slot_waiter_message(row: Any) -> pb.SlotWaiter:
    message = pb.SlotWaiter(
        priority=-row.rank,
        create_time=micros_to_timestamp(row.create_time),
        slots=row.count,
        holder=row.holder,
    )
    # `run_kind` is flow_run, task_run or lease.
    setattr(message, f"{row.run_kind}_id", row.run_id)
    return message


def create_limit_from(message: pb.ConcurrencyLimit) -> CreateConcurrencyLimit:
    return CreateConcurrencyLimit(message.name, message.limit, _active(message), message.slot_decay_per_second)


def update_limit_from(request: service_pb.UpdateConcurrencyLimitRequest) -> UpdateConcurrencyLimit:
    message = request.concurrency_limit
    columns: Columns = {"name": str, "limit": int, "active": lambda _: _active(message), "slot_decay_per_second": float}
    values = masked(request.update_mask, message, columns)
    if "limit" in values:
        values["slots"] = values.pop("limit")
    return UpdateConcurrencyLimit(message.id.lower(), message.etag, values)


def _active(message: pb.ConcurrencyLimit) -> bool:
    return message.active if message.HasField("active") else True


def limit_of(message: Any) -> int | None:
    """The `concurrency_limit` of something that has its own."""
    return message.concurrency_limit if message.HasField("concurrency_limit") else None


def own_limit(row: Any) -> dict[str, Any]:
    """The fields of a message that tell of its own limit."""
    return {"concurrency_limit": row.concurrency_limit, "active_slots": row.active_slots}


def stamps(row: Any) -> dict[str, Any]:
    """The fields that tell of writes."""
    return {
        "create_time": micros_to_timestamp(row.create_time),
        "update_time": micros_to_timestamp(row.update_time),
        "etag": str(row.version),
    }
