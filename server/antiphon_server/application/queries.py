"""Reading: single things by id, and pages of lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon_server.application import artifacts, listings, variables
from antiphon_server.application.bulk import NOUN, UNKNOWN
from antiphon_server.application.inputs import input_not_found
from antiphon_server.application.listings import Listing
from antiphon_server.application.page_tokens import PageTokens
from antiphon_server.domain.block_names import hint_at
from antiphon_server.domain.errors import FailedPrecondition, InvalidArgument, NotFound, not_found
from antiphon_server.domain.filter_tree import Check, Comparison, FilterNode, Kind
from antiphon_server.domain.filters import parse_filter
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.ordering import OrderKey, parse_order_by
from antiphon_server.storage.reader import Reader, Record
from antiphon_server.storage.slot_rows import SLOT_WAITERS, SLOTS, LimitRows
from antiphon_server.storage.sources import (
    ARTIFACTS,
    BLOCK_DOCUMENTS,
    BLOCK_SCHEMAS,
    BLOCK_TYPES,
    CALENDARS,
    CONCURRENCY_LIMITS,
    DEPLOYMENTS,
    FLOW_RUNS,
    FLOWS,
    LATEST_ARTIFACTS,
    OPERATIONS,
    SCHEDULES,
    TASK_RUNS,
    VARIABLES,
    WORK_POOLS,
    WORK_QUEUES,
    WORKERS,
    Source,
)

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The fields that List requests share; their defaults are those of the wire."""

    page_size: int = 0
    page_token: str = ""
    filter: str = ""
    order_by: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Rows in the order asked for; the token is empty on the last page."""

    rows: Sequence[Record]
    next_page_token: str


class Queries:
    """The use cases of reading. Ids are taken in either case of letters."""

    def __init__(self, reader: Reader, tokens: PageTokens) -> None:
        self._reader = reader
        self._tokens = tokens

    async def flow(self, id: str) -> Record:
        """Raises NotFound (FLOW_NOT_FOUND)."""
        return await self._get(FLOWS, id.lower(), "flow")

    async def flow_run(self, id: str) -> Record:
        """Raises NotFound (FLOW_RUN_NOT_FOUND)."""
        return await self._get(FLOW_RUNS, id.lower(), RunKind.FLOW_RUN.noun)

    async def task_run(self, id: str) -> Record:
        """Raises NotFound (TASK_RUN_NOT_FOUND)."""
        return await self._get(TASK_RUNS, id.lower(), RunKind.TASK_RUN.noun)

    async def task_runs(self, ids: Sequence[str]) -> dict[str, Record]:
        """Those of these ids, in lower case, that are there, by id."""
        return await self._reader.rows(TASK_RUNS, ids)

    async def operation(self, id: str) -> Record:
        """Raises NotFound (OPERATION_NOT_FOUND)."""
        return await self._get(OPERATIONS, id.lower(), NOUN, UNKNOWN)

    async def count(self, listing: Listing, filter: str, until: int) -> int:
        """How many rows match that were created by `until` (microseconds). Raises InvalidArgument (FILTER_INVALID)."""
        return await self._reader.count(listing.source, parse_filter(filter, listing.filters), until)

    async def concurrency_limit(self, id: str, *, name: str = "") -> Record:
        """By id, or by name where that is empty. Raises NotFound (CONCURRENCY_LIMIT_NOT_FOUND)."""
        return await self._get_or_find(CONCURRENCY_LIMITS, "concurrency limit", id, name=name)

    async def deployment(self, id: str, *, name: str = "", flow_name: str = "") -> Record:
        """By id, or by names where that is empty. Raises NotFound (DEPLOYMENT_NOT_FOUND)."""
        return await self._get_or_find(DEPLOYMENTS, "deployment", id, flow_name=flow_name, name=name)

    async def worker(self, id: str, *, name: str = "", work_pool_name: str = "") -> Record:
        """By id, or by names where that is empty. Raises NotFound (WORKER_NOT_FOUND)."""
        return await self._get_or_find(WORKERS, "worker", id, name=name, work_pool_name=work_pool_name)

    async def deployment_versions(self, deployment_id: str, request: PageRequest) -> RecordPage:
        """One page of what a deployment was; filter and order of the request are not looked at.

        Raises NotFound (DEPLOYMENT_NOT_FOUND), InvalidArgument: PAGE_TOKEN_INVALID, PAGE_SIZE_INVALID.
        """
        id = deployment_id.lower()
        if not await self._reader.exists(DEPLOYMENTS, id):
            raise not_found("deployment", id)
        listing = listings.DEPLOYMENT_VERSIONS
        condition = Comparison("deployment_id", Kind.UUID, Check.EQUAL, id)
        return await self._page(listing, condition, parse_order_by("", listing.order), request, id)

    async def taken_keys(self, flow_id: str, keys: Sequence[str]) -> int:
        """How many of some idempotency keys runs of a flow have."""
        return await self._reader.taken_keys(flow_id, keys)

    async def schedules_of(self, deployment_ids: Sequence[str]) -> dict[str, list[Record]]:
        """The schedules of deployments, by the deployments' ids."""
        found: dict[str, list[Record]] = {id: [] for id in deployment_ids}
        for row in await self._reader.belonging(SCHEDULES, "deployment_id", deployment_ids):
            found[row.deployment_id].append(row)
        return found

    async def schedule(self, id: str) -> Record:
        """Raises NotFound (SCHEDULE_NOT_FOUND)."""
        return await self._get(SCHEDULES, id.lower(), "schedule")

    async def calendar(self, id: str, *, name: str = "") -> Record:
        """By id, or by name where that is empty. Raises NotFound (CALENDAR_NOT_FOUND)."""
        return await self._get_or_find(CALENDARS, "calendar", id, name=name)

    async def calendars(self, names: Sequence[str]) -> list[Record]:
        """Those with these names. Raises NotFound (CALENDAR_NOT_FOUND)."""
        found = {row.name: row for row in await self._reader.belonging(CALENDARS, "name", names)} if names else {}
        for name in names:
            if name not in found:
                raise not_found("calendar", repr(name), "make it by CreateCalendar first")
        return list(found.values())

    async def work_pool(self, id: str, *, name: str = "") -> Record:
        """By id, or by name where that is empty. Raises NotFound (WORK_POOL_NOT_FOUND)."""
        return await self._get_or_find(WORK_POOLS, "work pool", id, name=name)

    async def work_queue(self, id: str, *, name: str = "", work_pool_name: str = "") -> Record:
        """By id, or by names where that is empty. Raises NotFound (WORK_QUEUE_NOT_FOUND)."""
        return await self._get_or_find(WORK_QUEUES, "work queue", id, work_pool_name=work_pool_name, name=name)

    async def artifact(self, id: str) -> Record:
        """Raises NotFound (ARTIFACT_NOT_FOUND)."""
        return await self._get(ARTIFACTS, id.lower(), artifacts.NOUN)

    async def latest_artifact(self, key: str) -> Record:
        """Raises NotFound (ARTIFACT_NOT_FOUND)."""
        row = await self._reader.find(LATEST_ARTIFACTS, latest_key=key)
        if row is None:
            raise NotFound(
                "ARTIFACT_NOT_FOUND", f"there is no artifact with the key {key!r}; ListArtifacts has those there are"
            )
        return row

    async def variable(self, id: str, *, name: str = "") -> Record:
        """By id, or by name where that is empty. Raises NotFound (VARIABLE_NOT_FOUND)."""
        return await self._get_or_find(VARIABLES, variables.NOUN, id, variables.UNKNOWN, name=name)

    async def block_type(self, id: str, *, slug: str = "") -> Record:
        """By id, or by slug where that is empty. Raises NotFound (BLOCK_TYPE_NOT_FOUND)."""
        if id:
            return await self._get(BLOCK_TYPES, id.lower(), "block type")
        row = await self._reader.find(BLOCK_TYPES, slug=slug)
        if row is None:
            slugs = await self._reader.values(BLOCK_TYPES, "slug", MAX_PAGE_SIZE)
            raise not_found("block type", slug, hint_at(slug, slugs, "antiphon block type ls"))
        return row

    async def block_schema(self, id: str, *, checksum: str = "") -> Record:
        """By id, or by checksum where that is empty. Raises NotFound (BLOCK_SCHEMA_NOT_FOUND)."""
        return await self._get_or_find(BLOCK_SCHEMAS, "block schema", id, checksum=checksum)

    async def block_document(self, id: str, *, slug: str = "", name: str = "") -> list[Record]:
        """By id, or by the type's slug and the name where that is empty; behind it all documents that it leads to.

        Raises NotFound: BLOCK_DOCUMENT_NOT_FOUND, BLOCK_TYPE_NOT_FOUND; FailedPrecondition: BLOCK_REFERENCES_TOO_MANY.
        """
        if not id:
            id = (await self._named_block(slug, name)).id
        rows = await self._reader.block_document_with_parts(id.lower(), MAX_PAGE_SIZE)
        if not rows:
            raise not_found("block document", id)
        if len(rows) > MAX_PAGE_SIZE:
            raise FailedPrecondition(
                "BLOCK_REFERENCES_TOO_MANY",
                f"block document {id} leads to more than {MAX_PAGE_SIZE - 1:,} others; read them one by one",
            )
        return rows

    async def _named_block(self, slug: str, name: str) -> Record:
        row = await self._reader.find(BLOCK_DOCUMENTS, block_type_slug=slug, name=name)
        if row is None:
            await self.block_type("", slug=slug)
            names = await self._reader.values(BLOCK_DOCUMENTS, "name", MAX_PAGE_SIZE, block_type_slug=slug)
            raise not_found("block document", f"{slug}/{name}", hint_at(name, names, "antiphon block ls"))
        return row

    async def slots(self, limit: Record, request: PageRequest) -> RecordPage:
        """One page of the slots in use of a limit; filter and order of the request are not looked at.

        Raises InvalidArgument: PAGE_TOKEN_INVALID, PAGE_SIZE_INVALID.
        """
        return await self._limit_rows("ListSlots", SLOTS, limit.id, request)

    async def slot_waiters(self, limit: Record, request: PageRequest) -> RecordPage:
        """One page of those that wait for a slot of a limit, in the order in which they are served.

        Raises as `slots` does.
        """
        return await self._limit_rows("ListSlotWaiters", SLOT_WAITERS, limit.id, request)

    async def page(self, listing: Listing, request: PageRequest) -> RecordPage:
        """One page.

        Raises InvalidArgument: FILTER_INVALID, ORDER_BY_INVALID, PAGE_TOKEN_INVALID, PAGE_SIZE_INVALID.
        """
        condition = parse_filter(request.filter, listing.filters)
        order = parse_order_by(request.order_by, listing.order)
        return await self._page(listing, condition, order, request, request.filter)

    async def states(self, kind: RunKind, run_id: str, request: PageRequest) -> RecordPage:
        """One page of a run's history; filter and order of the request are not looked at.

        Raises NotFound as `flow_run` and `task_run` do, and InvalidArgument: PAGE_TOKEN_INVALID, PAGE_SIZE_INVALID.
        """
        run_id = run_id.lower()
        if kind is RunKind.FLOW_RUN:
            listing, runs = listings.FLOW_RUN_STATES, FLOW_RUNS
        else:
            listing, runs = listings.TASK_RUN_STATES, TASK_RUNS
        return await self._of_run(listing, "run_id", runs, kind, run_id, request)

    async def commands(self, flow_run_id: str, request: PageRequest) -> RecordPage:
        """One page of what sessions were told about a flow run; filter and order of the request are not looked at.

        Raises as `states` does.
        """
        run_id = flow_run_id.lower()
        listing = listings.FLOW_RUN_COMMANDS
        return await self._of_run(listing, "flow_run_id", FLOW_RUNS, RunKind.FLOW_RUN, run_id, request)

    async def _of_run(
        self, listing: Listing, column: str, runs: Source, kind: RunKind, run_id: str, request: PageRequest
    ) -> RecordPage:
        """One page of the rows whose `column` is the run, which must exist."""
        if not await self._reader.exists(runs, run_id):
            raise not_found(kind.noun, run_id)
        condition = Comparison(column, Kind.UUID, Check.EQUAL, run_id)
        return await self._page(listing, condition, parse_order_by("", listing.order), request, run_id)

    async def flow_run_input(self, run_id: str, key: str) -> Record:
        """Raises NotFound (FLOW_RUN_NOT_FOUND, FLOW_RUN_INPUT_NOT_FOUND)."""
        row = await self._reader.flow_run_input(run_id.lower(), key)
        if row is None:
            await self.flow_run(run_id)
            raise input_not_found(run_id, key)
        return row

    async def flow_run_inputs(self, run_id: str, prefix: str, request: PageRequest) -> RecordPage:
        """One page of those whose keys begin with `prefix`; filter and order of the request are not looked at.

        Raises NotFound (FLOW_RUN_NOT_FOUND), InvalidArgument: PAGE_TOKEN_INVALID, PAGE_SIZE_INVALID.
        """
        run_id = run_id.lower()
        limit, query = _limit(request.page_size), ("ListFlowRunInputs", run_id, prefix)
        if not await self._reader.exists(FLOW_RUNS, run_id):
            raise not_found(RunKind.FLOW_RUN.noun, run_id)
        after = str(self._tokens.read(query, request.page_token)[0]) if request.page_token else None
        page = await self._reader.flow_run_inputs(run_id, prefix, "key", after, limit)
        return RecordPage(page.rows, self._tokens.make(query, page.last) if page.last is not None else "")

    async def arrived_inputs(self, run_id: str, prefix: str, after: int, page_size: int) -> Sequence[Record]:
        """The oldest of those that came after one. Raises NotFound (FLOW_RUN_NOT_FOUND)."""
        run_id = run_id.lower()
        if not await self._reader.exists(FLOW_RUNS, run_id):
            raise not_found(RunKind.FLOW_RUN.noun, run_id)
        page = await self._reader.flow_run_inputs(run_id, prefix, "sequence", after, _limit(page_size))
        return page.rows

    async def _get(self, source: Source, id: str, noun: str, *why: str) -> Record:
        row = await self._reader.get(source, id)
        if row is None:
            raise not_found(noun, id, *why)
        return row

    async def _get_or_find(self, source: Source, noun: str, id: str, *why: str, **names: str) -> Record:
        if id:
            return await self._get(source, id.lower(), noun, *why)
        row = await self._reader.find(source, **names)
        if row is None:
            raise not_found(noun, "/".join(names.values()), *why)
        return row

    async def _limit_rows(self, method: str, kind: LimitRows, limit_id: str, request: PageRequest) -> RecordPage:
        query = (method, limit_id)
        after = self._tokens.read(query, request.page_token) if request.page_token else None
        page = await self._reader.limit_rows(kind, limit_id, after, _limit(request.page_size))
        return RecordPage(page.rows, self._tokens.make(query, page.last) if page.last is not None else "")

    async def token_of_newest(self, listing: Listing, filter: str, most: int) -> str:
        """The token of a page in the order of creation that begins with the oldest of the newest `most` rows."""
        condition = parse_filter(filter, listing.filters)
        newest_first = parse_order_by("create_time desc", listing.order)
        key = await self._reader.nth_key(listing.source, condition, newest_first, most)
        oldest_first = parse_order_by("create_time", listing.order)
        return self._tokens.make(_query(listing, filter, oldest_first), key) if key is not None else ""

    async def _page(
        self,
        listing: Listing,
        condition: FilterNode | None,
        order: tuple[OrderKey, ...],
        request: PageRequest,
        scope: str,
    ) -> RecordPage:
        limit = _limit(request.page_size)
        query = _query(listing, scope, order)
        after = self._tokens.read(query, request.page_token) if request.page_token else None
        page = await self._reader.page(listing.source, condition, order, after, limit)
        return RecordPage(page.rows, self._tokens.make(query, page.last) if page.last is not None else "")


def _query(listing: Listing, scope: str, order: Sequence[OrderKey]) -> tuple[Any, ...]:
    """What page tokens of a list are bound to."""
    return (listing.method, scope, [(key.column, key.descending) for key in order])


def _limit(page_size: int) -> int:
    if page_size < 0:
        raise InvalidArgument(
            "PAGE_SIZE_INVALID",
            f"page_size {page_size} is negative; send 0 for {DEFAULT_PAGE_SIZE} or up to {MAX_PAGE_SIZE}",
            field="page_size",
        )
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
