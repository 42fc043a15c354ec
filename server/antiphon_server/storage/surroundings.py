"""What stands around runs in one batch: deployments, schedules, work queues, and results in the cache. Loaded in
bulk."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.statements import Insert, Lookup, rows_of
from antiphon_server.storage.tables import cache_entries, deployments, work_pools, work_queues


@dataclass(slots=True)
class DeploymentRow:
    """The fields are columns of `deployments`."""

    id: str
    name: str
    paused: bool
    collision_strategy: int
    grace_period: int | None
    work_queue_id: str | None


@dataclass(slots=True)
class QueueRow:
    """A work queue and its pool."""

    id: str
    name: str
    paused: bool
    pool_id: str
    pool_name: str
    pool_paused: bool


@dataclass(slots=True)
class ScheduleRow:
    """The fields are columns of `schedules`."""

    id: str
    slug: str
    overlap: int


@dataclass(slots=True)
class CacheEntry:
    """The fields are columns of `cache_entries`; `id` is the transition that made the result."""

    id: str
    cache_key: str
    create_time: int
    expire_time: int | None

    def good(self, now: int) -> bool:
        return self.expire_time is None or self.expire_time > now


_DEPLOYMENTS = rows_of(deployments, DeploymentRow.__slots__)
_QUEUES = Lookup(
    select(
        work_queues.c.id,
        work_queues.c.name,
        work_queues.c.paused,
        work_queues.c.work_pool_id,
        work_pools.c.name,
        work_pools.c.paused,
    ).join_from(work_queues, work_pools, work_queues.c.work_pool_id == work_pools.c.id),
    work_queues.c.id,
)
_SCHEDULES = rows_of(schedules, ScheduleRow.__slots__)
_CACHE = rows_of(cache_entries, CacheEntry.__slots__, key="cache_key")
_INSERT_ENTRY = Insert(cache_entries, CacheEntry.__slots__)
_entry_row = attrgetter(*_INSERT_ENTRY.columns)


class Surroundings:
    """Reads once what is asked for again and again."""

    def __init__(self, connection: Connection, cursor: Any, now: int) -> None:
        self._dialect = connection.dialect
        self._cursor = cursor
        self._now = now
        self._deployments: dict[str, DeploymentRow | None] = {}
        self._queues: dict[str, QueueRow | None] = {}
        self._schedules: dict[str, ScheduleRow | None] = {}
        #: cache key -> good entries, the newest first.
        self._cached: dict[str, list[CacheEntry]] = {}
        self._new_entries: list[CacheEntry] = []

    def load(self, deployment_ids: Iterable[str], queue_ids: Iterable[str]) -> None:
        unknown = [id for id in deployment_ids if id not in self._deployments]
        if unknown:
            self._deployments.update(dict.fromkeys(unknown))
            for row in _DEPLOYMENTS.rows(self._cursor, self._dialect, unknown):
                self._deployments[row[0]] = DeploymentRow(*row)
        unknown = [id for id in queue_ids if id not in self._queues]
        if unknown:
            self._queues.update(dict.fromkeys(unknown))
            for row in _QUEUES.rows(self._cursor, self._dialect, unknown):
                self._queues[row[0]] = QueueRow(*row)

    def load_cache(self, keys: Iterable[str]) -> None:
        unknown = [key for key in keys if key not in self._cached]
        if not unknown:
            return
        self._cached.update({key: [] for key in unknown})
        for row in _CACHE.rows(self._cursor, self._dialect, unknown):
            entry = CacheEntry(*row)
            if entry.good(self._now):
                self._cached[entry.cache_key].append(entry)
        for key in unknown:
            self._cached[key].sort(key=_age, reverse=True)

    def deployment(self, id: str) -> DeploymentRow | None:
        self.load((id,), ())
        return self._deployments[id]

    def queue(self, id: str) -> QueueRow | None:
        self.load((), (id,))
        return self._queues[id]

    def load_schedules(self, ids: Iterable[str]) -> None:
        unknown = [id for id in ids if id not in self._schedules]
        if unknown:
            self._schedules.update(dict.fromkeys(unknown))
            for row in _SCHEDULES.rows(self._cursor, self._dialect, unknown):
                self._schedules[row[0]] = ScheduleRow(*row)

    def schedule(self, id: str) -> ScheduleRow | None:
        self.load_schedules((id,))
        return self._schedules[id]

    def cached(self, key: str) -> list[CacheEntry]:
        """Good entries under a key, the newest first."""
        self.load_cache((key,))
        return self._cached[key]

    def keep(self, entry: CacheEntry) -> None:
        """A new entry in the cache."""
        self._new_entries.append(entry)
        if entry.good(self._now):
            self.cached(entry.cache_key).insert(0, entry)

    def forget(self) -> None:
        """Reads everything anew from now on; call it after `flush` where rows were changed by statements of their
        own."""
        self._deployments.clear()
        self._queues.clear()
        self._schedules.clear()
        self._cached.clear()

    def flush(self) -> None:
        if self._new_entries:
            _INSERT_ENTRY.run(self._cursor, self._dialect, [_entry_row(each) for each in self._new_entries])
            self._new_entries.clear()


def _age(entry: CacheEntry) -> tuple[int, str]:
    return entry.create_time, entry.id
