"""Task runs that wait for a worker, in the order in which they are handed out."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from antiphon_server.storage.tables import task_runs

_runs = task_runs.c


@dataclass(frozen=True, slots=True, order=True)
class Queued:
    """A run that waits. Those that come first are the lesser ones."""

    #: The priority, negated.
    rank: int
    time: int
    id: str


def priorities(task_key: str, below: int | None) -> Select[Any]:
    """The highest priority below another one at which runs of a task wait, due or not. One look into an index each:
    those that are not due yet may be many."""
    query = select(func.max(_runs.priority)).where(_runs.task_key == task_key, _runs.queue_time.is_not(None))
    return query if below is None else query.where(_runs.priority < below)


def due(task_key: str, priority: int, now: int, limit: int) -> Select[Any]:
    """Time and id of those runs of one priority that may be taken."""
    query = select(_runs.queue_time, _runs.id)
    query = query.where(_runs.task_key == task_key, _runs.priority == priority, _runs.queue_time <= now)
    return query.order_by(_runs.queue_time, _runs.id).limit(limit)


def next_due(task_key: str, now: int) -> Select[Any]:
    """When the first of the runs of a task may be taken that may not be now."""
    return select(func.min(_runs.queue_time)).where(_runs.task_key == task_key, _runs.queue_time > now)
