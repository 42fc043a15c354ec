"""The way in for queries: single rows and pages, as of the last commit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from antiphon_server.domain.errors import Unavailable
from antiphon_server.domain.filter_tree import FilterNode
from antiphon_server.domain.ordering import OrderKey
from antiphon_server.domain.states import PENDING
from antiphon_server.storage.block_tables import block_references
from antiphon_server.storage.deployment_tables import deployment_versions
from antiphon_server.storage.faults import storage_error
from antiphon_server.storage.figures import Figures, read_figures
from antiphon_server.storage.fitting import MAX_PAGE_BYTES, fitting_ids, fitting_keys
from antiphon_server.storage.page_keys import key_query, page_keys
from antiphon_server.storage.selection import narrowed
from antiphon_server.storage.slot_rows import LimitRows
from antiphon_server.storage.sources import BLOCK_DOCUMENTS, INPUT_WEIGHT, Source
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.tables import changes, flow_run_inputs, flow_runs
from antiphon_server.storage.work_lines import Lines, OpenQueue, Queued, next_affinity, open_queues

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

#: A row with its columns as attributes; storage/sources.py says which.
Record: TypeAlias = Row[Any]

#: When a row was created (microseconds), and its id.
CreationKey: TypeAlias = tuple[int, str]

_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and the keys of the last one where more rows follow."""

    rows: Sequence[Record]
    last: tuple[Any, ...] | None


class Reader:
    """Queries on the engine that `open_engine` gives; it is asked at the first one, in a thread."""

    def __init__(self, open_engine: "Callable[[], AsyncEngine]") -> None:
        self._open_engine = open_engine
        self._opened: asyncio.Task[AsyncEngine] | None = None

    async def _engine(self) -> "AsyncEngine":
        if self._opened is None:
            self._opened = asyncio.ensure_future(asyncio.to_thread(self._open_engine))
        return await asyncio.shield(self._opened)

    async def close(self) -> None:
        """Closes the connections, if there are any."""
        if self._opened is not None:
            await (await self._opened).dispose()

    @property
    def connections(self) -> tuple[int, int]:
        """How many are in use, and how many may be; zeros before the first query."""
        if self._opened is None or not self._opened.done() or self._opened.exception() is not None:
            return 0, 0
        pool: Any = self._opened.result().pool
        return pool.checkedout(), pool.size()

    async def figures(self, now: int) -> Figures:
        """How much waits and is held; `now` in microseconds."""
        async with self._connection() as connection:
            return await read_figures(connection, now)

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[AsyncConnection]":
        """Raises what `storage_error` says of a database that cannot be read."""
        try:
            async with (await self._engine()).connect() as connection:
                yield connection
        except DBAPIError as error:
            fault = storage_error(error)
            if fault is None:
                raise
            raise fault from error
        except PoolTimeout as error:
            raise Unavailable(
                "READERS_BUSY",
                "all readers of the database are busy; try again, or ask for less",
                retry_after=1_000_000,
            ) from error

    async def get(self, source: Source, id: str) -> Record | None:
        """The row with this id, or None."""
        async with self._connection() as connection:
            row: Record | None = (await connection.execute(source.by_id, {"id": id})).one_or_none()
            return row

    async def find(self, source: Source, **values: str) -> Record | None:
        """The row whose columns have these values, of which there is one at most; None where there is none."""
        statement = source.rows.where(*(source.columns[name] == value for name, value in values.items()))
        async with self._connection() as connection:
            row: Record | None = (await connection.execute(statement)).one_or_none()
            return row

    async def limit_rows(self, kind: LimitRows, limit_id: str, after: Sequence[Any] | None, limit: int) -> Page:
        """At most `limit` (at least 1) rows that belong to a concurrency limit, behind the keys `after`."""
        async with self._connection() as connection:
            rows = (await connection.execute(kind.page(limit_id, after, limit + 1))).fetchall()
        more, rows = len(rows) > limit, rows[:limit]
        return Page(rows, kind.keys(rows[-1]) if more else None)

    async def exists(self, source: Source, id: str) -> bool:
        """Whether there is a row with this id."""
        statement = select(source.table.c.id).where(source.table.c.id == id)
        async with self._connection() as connection:
            return (await connection.execute(statement)).one_or_none() is not None

    async def page(
        self,
        source: Source,
        condition: FilterNode | None,
        order: Sequence[OrderKey],
        after: Sequence[Any] | None,
        limit: int,
    ) -> Page:
        """At most `limit` (at least 1) rows behind the keys `after`, or from the first one on.

        First only keys are read, so that sorting moves nothing else; then the sizes of as many rows as go into the
        page, and just these rows. One that is deleted in between is left out.
        """
        async with self._connection() as connection:
            keys = await page_keys(connection, source, condition, order, after, limit + 1)
            keys, more = await _lightest(connection, source, keys, limit)
            found = await connection.execute(source.by_ids, {"ids": [key[-1] for key in keys]})
            rows = {row.id: row for row in found}
        return Page([rows[key[-1]] for key in keys if key[-1] in rows], keys[-1] if more else None)

    async def rows(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """The rows with these ids, by id; those that are not there are left out."""
        async with self._connection() as connection:
            found = await connection.execute(source.by_ids, {"ids": list(ids)})
            return {row.id: row for row in found}

    async def matching(
        self, source: Source, condition: FilterNode | None, ids: Sequence[str]
    ) -> tuple[dict[str, Record], int]:
        """Of the rows with these ids those that fit the condition, by id, and how many of the ids were looked at: from
        the first one on, until there are as many bytes as in a page."""
        if condition is None and len(ids) == 1:  # It need not be weighed: the first is always looked at.
            return await self.rows(source, ids), 1
        weights = narrowed(select(source.table.c.id, source.weight), source, condition)
        async with self._connection() as connection:
            found = await connection.execute(weights.where(source.table.c.id.in_(ids)))
            weight_of = {id: weight for id, weight in found}
            looked_at, fitting = fitting_ids(ids, weight_of)
            rows = await connection.execute(source.by_ids, {"ids": fitting}) if fitting else ()
            return {row.id: row for row in rows}, looked_at

    async def nth_key(
        self, source: Source, condition: FilterNode | None, order: Sequence[OrderKey], n: int
    ) -> tuple[Any, ...] | None:
        """The keys of the row behind the first `n` ones; None where there are no more."""
        statement = key_query(source, condition, order, None, 1).offset(n)
        async with self._connection() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return tuple(row) if row is not None else None

    async def taken_keys(self, flow_id: str, keys: Sequence[str]) -> int:
        """How many of some idempotency keys runs of a flow have."""
        runs, taken = flow_runs.c, 0
        async with self._connection() as connection:
            for some in chunks(keys):
                query = select(func.count()).where(runs.flow_id == flow_id, runs.idempotency_key.in_(some))
                taken += (await connection.execute(query)).scalar_one()
        return taken

    async def belonging(self, source: Source, column: str, keys: Sequence[str | bool]) -> list[Record]:
        """All rows with one of `keys` in a column, by their creation."""
        statement = source.rows.where(source.columns[column].in_(keys))
        created = statement.order_by(source.table.c.create_time, source.table.c.id)
        async with self._connection() as connection:
            return list((await connection.execute(created)).all())

    async def queued(self, lines: Lines, key: Sequence[str], now: int, limit: int) -> tuple[list[Queued], int | None]:
        """The first `limit` runs of a line that a worker may take, in order; where they are fewer, also when the next
        one may be taken."""
        found: list[Queued] = []
        priority: int | None = None
        async with self._connection() as connection:
            while len(found) < limit:
                following = await connection.execute(lines.priorities(key, below=priority))
                priority = following.scalar_one()
                if priority is None:
                    upcoming = await connection.execute(lines.next_due(key, now))
                    return found, upcoming.scalar_one()
                rows = await connection.execute(lines.due(key, priority, now, limit - len(found)))
                found += [Queued(-priority, time, id) for time, id in rows]
        return found, None

    async def affinities(self, queue_key: str) -> list[str]:
        """What flow runs that wait in a queue ask of their workers, each once."""
        found: list[str] = []
        async with self._connection() as connection:
            while True:
                following = await connection.execute(next_affinity(queue_key, found[-1] if found else None))
                affinity: str | None = following.scalar_one()
                if affinity is None:
                    return found
                found.append(affinity)

    async def claimed_flow_runs(self, session_id: str) -> list[tuple[str, int]]:
        """Ids and fencing tokens of flow runs that a session has claimed and nobody has begun, in the order of their
        claims."""
        runs = flow_runs.c
        statement = select(runs.id, runs.fencing_token).where(runs.session_id == session_id, runs.state_type == PENDING)
        async with self._connection() as connection:
            found = await connection.execute(statement.order_by(runs.state_time, runs.id))
            return [(id, token) for id, token in found]

    async def deployment_versions(self, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Record]:
        """Versions of deployments, by the deployment's id and their number; those that are not there are left out."""
        if not wanted:
            return {}
        versions = deployment_versions
        named = tuple_(versions.c.deployment_id, versions.c.number).in_(wanted)
        async with self._connection() as connection:
            found = await connection.execute(versions.select().where(named))
            return {(row.deployment_id, row.number): row for row in found}

    async def newest_change(self) -> int:
        """The number of the last commit that others were told of; 0 where there is none."""
        async with self._connection() as connection:
            return (await connection.execute(select(func.max(changes.c.number)))).scalar_one() or 0

    async def changes_since(self, number: int, limit: int) -> list[tuple[int, str]]:
        """Numbers and words of the first `limit` commits after `number`."""
        statement = select(changes.c.number, changes.c.body).where(changes.c.number > number)
        async with self._connection() as connection:
            found = await connection.execute(statement.order_by(changes.c.number).limit(limit))
            return [(row[0], row[1]) for row in found]

    async def open_queues(self, pool_id: str) -> list[OpenQueue]:
        """The queues of a pool from which workers may take."""
        async with self._connection() as connection:
            return [OpenQueue(*row) for row in await connection.execute(open_queues(pool_id))]

    async def flow_run_input(self, run_id: str, key: str) -> Record | None:
        """What a flow run was told under a key, or None."""
        inputs = flow_run_inputs
        statement = select(inputs).where(inputs.c.flow_run_id == run_id, inputs.c.key == key)
        async with self._connection() as connection:
            row: Record | None = (await connection.execute(statement)).one_or_none()
            return row

    async def flow_run_inputs(self, run_id: str, prefix: str, order: str, after: str | int | None, limit: int) -> Page:
        """At most `limit` (at least 1) of what a flow run was told under keys that begin with `prefix`, in the
        `order` of `key` or `sequence`, behind the one `after`."""
        inputs = flow_run_inputs
        column, begins = inputs.c[order], func.substr(inputs.c.key, 1, len(prefix)) == prefix
        statement = select(INPUT_WEIGHT, column).where(inputs.c.flow_run_id == run_id, begins)
        if after is not None:
            statement = statement.where(column > after)
        async with self._connection() as connection:
            keys, more = await fitting_keys(connection, statement.order_by(column).limit(limit + 1), limit)
            found = select(inputs).where(inputs.c.flow_run_id == run_id, column.in_([key for (key,) in keys]))
            rows = (await connection.execute(found.order_by(column))).all()
        return Page(rows, keys[-1] if more else None)

    async def values(self, source: Source, column: str, limit: int, **values: str) -> list[str]:
        """What at most `limit` rows have in a column, of those that have `values` in others."""
        statement = narrowed(select(source.columns[column]), source, None, (column, *values))
        statement = statement.where(*(source.columns[name] == value for name, value in values.items()))
        async with self._connection() as connection:
            return list((await connection.execute(statement.limit(limit))).scalars())

    async def block_document_with_parts(self, id: str, limit: int) -> list[Record]:
        """The document and those that it leads to, itself first, as of one moment. More than `limit` rows mean that
        there are too many; none that there is no such document."""
        documents = BLOCK_DOCUMENTS.table.c
        below = select(documents.id).where(documents.id == id).cte("below", recursive=True)
        further = block_references.join(below, below.c.id == block_references.c.document_id)
        below = below.union(select(block_references.c.referenced_id).select_from(further))
        statement = BLOCK_DOCUMENTS.rows.where(documents.id.in_(select(below.c.id))).limit(limit + 1)
        async with self._connection() as connection:
            rows = (await connection.execute(statement)).all()
        return sorted(rows, key=lambda row: bool(row.id != id))

    async def count(self, source: Source, condition: FilterNode | None, until: int) -> int:
        """How many rows there are that were created by `until` (microseconds)."""
        statement = narrowed(select(func.count()).select_from(source.table), source, condition)
        statement = statement.where(source.table.c.create_time <= until)
        async with self._connection() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def oldest(
        self, source: Source, condition: FilterNode | None, after: CreationKey | None, until: int, limit: int
    ) -> list[CreationKey]:
        """The keys of at most `limit` rows behind `after` that were created by `until` (microseconds), in order."""
        created, id = source.table.c.create_time, source.table.c.id
        statement = narrowed(select(created, id), source, condition).where(created <= until)
        if after is not None:
            statement = statement.where(tuple_(created, id) > tuple_(*after))
        async with self._connection() as connection:
            found = await connection.execute(statement.order_by(created, id).limit(limit))
            return [(row[0], row[1]) for row in found]


async def _lightest(
    connection: "AsyncConnection", source: Source, keys: list[tuple[Any, ...]], limit: int
) -> tuple[list[tuple[Any, ...]], bool]:
    """Those of `keys` whose rows fit into a page, and whether more rows follow."""
    spent = 0
    for start in range(0, len(keys), _CHUNK):
        some = [key[-1] for key in keys[start : start + _CHUNK]]
        query = select(source.table.c.id, source.weight).where(source.table.c.id.in_(some))
        weights = {id: weight for id, weight in await connection.execute(query)}
        for place, id in enumerate(some, start):
            spent += weights.get(id, 0)
            if place == limit or (place and spent > MAX_PAGE_BYTES):
                return keys[:place], True
    return keys, False
