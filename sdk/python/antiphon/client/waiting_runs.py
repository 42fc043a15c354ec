"""Runs that are to begin at a time."""

from datetime import UTC, datetime

from antiphon.client import listings
from antiphon.client.filter_texts import all_of
from antiphon.client.operation import ClientBase
from antiphon.engine.dual import Work
from antiphon.v1 import flow_run_pb2

__all__ = ["waiting_runs"]


def waiting_runs(
    client: ClientBase, where: str, scheduled_before: datetime | None, limit: int | None
) -> Work[list[flow_run_pb2.FlowRun]]:
    """Gives the runs of a filter that are SCHEDULED for a time until `scheduled_before`, the next one first."""
    parts = ["state.type = SCHEDULED", where]
    if scheduled_before is not None:
        moment = scheduled_before if scheduled_before.tzinfo is not None else scheduled_before.replace(tzinfo=UTC)
        parts.append(f"next_scheduled_start_time <= {moment.isoformat()}")
    order = "NEXT_SCHEDULED_START_TIME_ASC"
    page = listings.list_messages(client, listings.FLOW_RUNS, all_of(parts), sort=order, limit=limit)
    return (yield from page)
