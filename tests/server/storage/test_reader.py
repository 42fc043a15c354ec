from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event

from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from antiphon_server.domain.filters import MAX_DEPTH, parse_filter
from antiphon_server.domain.ordering import OrderKey, parse_order_by
from antiphon_server.storage import sources, tables
from antiphon_server.storage.deployment_tables import deployment_versions
from antiphon_server.storage.fitting import MAX_PAGE_BYTES
from antiphon_server.storage.reader import Page, Reader, Record
from stores import only_sqlite

Uuid = Callable[[int], str]
T0 = 1_767_225_600_000_000


async def walk(
    reader: Reader, listing: Listing, limit: int, filter: str = "", order_by: str = ""
) -> list[list[Record]]:
    """The rows of all pages. A walk that meets a row twice has lost its way and would never end: it fails."""
    condition = parse_filter(filter, listing.filters)
    order = parse_order_by(order_by, listing.order)
    pages: list[list[Record]] = []
    seen: set[str] = set()
    after = None
    while True:
        page = await reader.page(listing.source, condition, order, after, limit)
        pages.append(list(page.rows))
        if page.last is None:
            return pages
        assert page.rows, "an empty page that is not the last one"
        assert seen.isdisjoint(row.id for row in page.rows)
        seen.update(row.id for row in page.rows)
        after = page.last


def ids(pages: Iterable[Iterable[Record]]) -> list[str]:
    return [row.id for page in pages for row in page]


async def newest(reader: Reader, listing: Listing, filter: str = "", order_by: str = "") -> list[str]:
    return ids(await walk(reader, listing, 100, filter, order_by))


def test_a_run_comes_with_its_state_and_flow(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, {"id": uuid(1), "name": "etl"})
    database.add(tables.transitions, {"id": uuid(2), "run_id": uuid(3), "message": "so", "details": b"d", "data": b"x"})
    database.add(tables.flow_runs, {"id": uuid(3), "flow_id": uuid(1), "state_id": uuid(2)}, {"id": uuid(4)})
    database.add(tables.task_runs, {"id": uuid(5), "state_id": uuid(2)})

    async def use(reader: Reader) -> None:
        row = await reader.get(sources.FLOW_RUNS, uuid(3))
        assert row is not None
        assert (row.flow_name, row.state_message, row.state_details, row.state_data) == ("etl", "so", b"d", b"x")
        bare = await reader.get(sources.FLOW_RUNS, uuid(4))
        assert bare is not None
        assert (bare.flow_name, bare.state_id, bare.state_message, bare.state_data) == (None, None, None, None)
        task = await reader.get(sources.TASK_RUNS, uuid(5))
        assert task is not None
        assert task.state_data == b"x"
        assert await reader.get(sources.FLOW_RUNS, uuid(5)) is None
        assert await reader.exists(sources.FLOW_RUNS, uuid(3))
        assert not await reader.exists(sources.FLOW_RUNS, uuid(5))

    database.read(use)


def test_history_holds_written_states_only_oldest_first(database: Any, uuid: Uuid) -> None:
    database.add(
        tables.transitions,
        {"id": uuid(1), "run_id": uuid(9), "create_time": T0 + 2},
        {"id": uuid(2), "run_id": uuid(9), "create_time": T0 + 1},
        {"id": uuid(3), "run_id": uuid(9), "create_time": T0 + 3, "wrote_state": False},
        {"id": uuid(4), "run_id": uuid(8), "create_time": T0 + 4},
    )
    assert database.read(lambda reader: newest(reader, listings.FLOW_RUN_STATES)) == [uuid(2), uuid(1), uuid(4)]


@pytest.mark.parametrize(
    ("filter", "numbers"),
    [
        ("", [4, 3, 2, 1, 5]),
        ("flow_name = etl", [2, 1]),
        ("flow_name != etl", [4, 3, 5]),
        ("flow_name = e* AND run_count > 1", [2]),
        ("flow_id = {0}", [2, 1]),
        ("id = {1}", [1]),
        ("name:ru", [4, 3, 2, 1, 5]),
        ("state.type = RUNNING", [2]),
        ("state.type = STATE_TYPE_RUNNING", [2]),
        ("state.type != RUNNING", [4, 3, 1, 5]),
        ("state.type:*", [3, 2, 1]),
        ("state.name = Late", [3]),
        ("parent_task_run_id:*", [4]),
        ("parent_task_run_id = {9}", [4]),
        ("tags:nightly", [4, 1]),
        ("start_time > 2026-01-01T00:00:00Z", [2]),
        ("start_time >= 2026-01-01T00:00:00Z", [2, 1]),
        ("NOT start_time > 2026-01-01T00:00:00Z", [4, 3, 1, 5]),
        ("end_time:*", [5]),
        ("expected_start_time < 2026-01-01T00:00:00Z", [5]),
        ("create_time > 2026-01-01T00:00:00.000002Z", [4, 3]),
        ("parent_flow_run_id = {1}", [4]),
        ("parent_flow_run_id:*", [4]),
        ("parent_flow_run_id != {1} AND flow_name = other", [3, 5]),
        ("deployment_id = {6}", [2]),
        ("work_queue_id = {8}", [3]),
        ("work_queue_name = fast", [3]),
        ("NOT work_queue_name:*", [4, 2, 1, 5]),
        ("flow_version = v2", [1]),
        ("idempotency_key = key", [2]),
        ("auto_scheduled = true", [5]),
        ("auto_scheduled != true AND flow_name = other", [4, 3]),
        ("next_scheduled_start_time <= 2026-01-01T00:00:00.000007Z", [3]),
    ],
)
def test_every_filter_field_of_flow_runs(database: Any, uuid: Uuid, filter: str, numbers: list[int]) -> None:
    database.add(tables.flows, {"id": uuid(0), "name": "etl"}, {"id": uuid(7), "name": "other"})
    etl, other = {"flow_id": uuid(0), "name": "run"}, {"flow_id": uuid(7), "name": "run"}
    claimed = {"deployment_id": uuid(6), "idempotency_key": "key"}
    queued = {"work_queue_id": uuid(8), "next_scheduled_start_time": T0 + 7}
    first = {**etl, "id": uuid(1), "create_time": T0 + 1, "state_type": 4, "tags": '["nightly"]', "flow_version": "v2"}
    database.add(
        tables.flow_runs,
        {**first, "start_time": T0},
        {**etl, **claimed, "id": uuid(2), "create_time": T0 + 2, "state_type": 3, "run_count": 2, "start_time": T0 + 1},
        {**other, **queued, "id": uuid(3), "create_time": T0 + 3, "state_type": 1, "state_name": "Late"},
        {**other, "id": uuid(4), "create_time": T0 + 4, "tags": '["x", "nightly"]', "parent_task_run_id": uuid(9)},
        {**other, "id": uuid(5), "create_time": T0, "end_time": T0 + 9, "expected_start_time": T0 - 1}
        | {"auto_scheduled": True},
    )
    database.add(tables.task_runs, {"id": uuid(9), "flow_run_id": uuid(1)})
    database.add(tables.work_queues, {"id": uuid(8), "work_pool_id": uuid(0), "name": "fast"})
    text = filter.format(*map(uuid, range(10)))
    found = database.read(lambda reader: newest(reader, listings.FLOW_RUNS, text))
    assert found == [uuid(number) for number in numbers]


@pytest.mark.parametrize(
    ("filter", "numbers"),
    [
        ("flow_run_id = {8}", [2, 1]),
        ("NOT flow_run_id:*", [4, 3]),
        ("task_key = load", [1]),
        ("name = b", [2]),
        ("state.type = FAILED AND state.name = Failed", [4]),
        ("tags:x", [3]),
        ("run_count >= 1", [3]),
        ("start_time:* OR end_time:*", [2, 1]),
        ("create_time = 2026-01-01T00:00:00.000003Z", [3]),
        ("id != {1}", [4, 3, 2]),
        ("expected_start_time:*", [2]),
        ("next_scheduled_start_time:*", [3]),
    ],
)
def test_every_filter_field_of_task_runs(database: Any, uuid: Uuid, filter: str, numbers: list[int]) -> None:
    database.add(
        tables.task_runs,
        {"id": uuid(1), "create_time": T0 + 1, "flow_run_id": uuid(8), "task_key": "load", "start_time": T0},
        {"id": uuid(2), "create_time": T0 + 2, "flow_run_id": uuid(8), "name": "b", "end_time": T0}
        | {"expected_start_time": T0},
        {"id": uuid(3), "create_time": T0 + 3, "tags": '["x"]', "run_count": 1, "next_scheduled_start_time": T0},
        {"id": uuid(4), "create_time": T0 + 4, "state_type": 5, "state_name": "Failed"},
    )
    text = filter.format(*map(uuid, range(10)))
    found = database.read(lambda reader: newest(reader, listings.TASK_RUNS, text))
    assert found == [uuid(number) for number in numbers]


def test_deployments_by_their_limit_and_queue(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, {"id": uuid(0), "name": "etl"})
    database.add(
        tables.deployments,
        {"id": uuid(1), "flow_id": uuid(0), "name": "1", "work_queue_id": uuid(8), "update_time": T0 + 9},
        *({"id": uuid(i), "flow_id": uuid(0), "name": str(i), "update_time": T0 + i} for i in (2, 3)),
    )
    database.add(deployment_versions, *({"id": uuid(10 + i), "deployment_id": uuid(i)} for i in (1, 2, 3)))
    database.add(tables.work_queues, {"id": uuid(8), "work_pool_id": uuid(0), "name": "fast"})
    limits = ({"id": uuid(4), "name": f"deployment:{uuid(1)}", "slots": 5}, {"id": uuid(5), "name": "x", "slots": 1})
    database.add(tables.concurrency_limits, *limits, {"id": uuid(6), "name": f"deployment:{uuid(3)}", "slots": 2})

    async def use(reader: Reader) -> None:
        listing = listings.DEPLOYMENTS
        assert await newest(reader, listing, "work_queue_name = fast AND flow_name = etl") == [uuid(1)]
        assert await newest(reader, listing, "concurrency_limit >= 2 AND concurrency_limit <= 4") == [uuid(3)]
        assert await newest(reader, listing, "NOT concurrency_limit:*") == [uuid(2)]
        assert await newest(reader, listing, "", "concurrency_limit") == [uuid(3), uuid(1), uuid(2)]
        assert await newest(reader, listing, "", "concurrency_limit desc") == [uuid(1), uuid(3), uuid(2)]
        assert (await newest(reader, listing, "", "update_time desc"))[0] == uuid(1)
        assert [len(page) for page in await walk(reader, listing, 1, "", "concurrency_limit")] == [1, 1, 1]

    database.read(use)


def test_flows_logs_and_sessions(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, *({"id": uuid(i), "name": name} for i, name in enumerate("bca")))
    database.add(
        tables.logs,
        {"id": uuid(1), "flow_run_id": uuid(7), "level": 40, "message": "it broke", "create_time": T0 + 2},
        {"id": uuid(2), "task_run_id": uuid(8), "logger": "app.io", "create_time": T0 + 1},
    )
    database.add(tables.sessions, {"id": uuid(1), "create_time": T0}, {"id": uuid(2), "create_time": T0 + 1})

    async def use(reader: Reader) -> None:
        assert await newest(reader, listings.FLOWS, "", "name") == [uuid(2), uuid(0), uuid(1)]
        assert await newest(reader, listings.FLOWS, "name = b AND NOT tags:* AND create_time:* AND id:*") == [uuid(0)]
        assert await newest(reader, listings.LOGS) == [uuid(2), uuid(1)]
        assert await newest(reader, listings.LOGS, "", "create_time desc") == [uuid(1), uuid(2)]
        assert await newest(reader, listings.LOGS, f"flow_run_id = {uuid(7)} AND level >= 40") == [uuid(1)]
        assert await newest(reader, listings.LOGS, f'task_run_id = {uuid(8)} AND logger = "app.*"') == [uuid(2)]
        assert await newest(reader, listings.LOGS, 'message:"it broke" OR id:*') == [uuid(2), uuid(1)]
        assert await newest(reader, listings.SESSIONS) == [uuid(2), uuid(1)]

    database.read(use)


def test_the_deepest_filter_runs_behind_the_longest_order(database: Any, uuid: Uuid) -> None:
    text = "tags:x"
    for _ in range(MAX_DEPTH // 2 - 1):
        text = f"run_count = 9 OR (name:* AND flow_name:* AND (run_count = 8 OR {text}))"
    order = "start_time, name desc, create_time, end_time desc, expected_start_time"
    database.add(tables.flows, {"id": uuid(0), "name": "etl"})
    database.add(tables.flow_runs, *({"id": uuid(i), "flow_id": uuid(0), "run_count": 9} for i in range(3)))
    pages = database.read(lambda reader: walk(reader, listings.FLOW_RUNS, 1, text, order))
    assert ids(pages) == [uuid(0), uuid(1), uuid(2)]


SMALL = st.one_of(st.none(), st.integers(0, 2))
RUNS = st.lists(st.tuples(SMALL, SMALL, st.sampled_from(["", "a", "B"]), st.integers(0, 2)), max_size=12)
ORDERS = st.lists(st.sampled_from(["start_time", "end_time", "name", "create_time"]), unique=True, max_size=4).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"{name} desc"]) for name in names)).map(", ".join)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RUNS, ORDERS, st.integers(1, 13))
def test_paging_gives_each_row_once_and_in_order(
    database: Any, uuid: Uuid, runs: list[tuple[int | None, int | None, str, int]], order_by: str, limit: int
) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(tables.task_runs))
    if runs:
        names = ("start_time", "end_time", "name", "create_time")
        database.add(
            tables.task_runs,
            *({"id": uuid(i), **dict(zip(names, run, strict=True))} for i, run in enumerate(runs)),
        )
    pages = database.read(lambda reader: walk(reader, listings.TASK_RUNS, limit, "", order_by))
    assert sorted(ids(pages)) == [uuid(i) for i in range(len(runs))]
    assert all(len(page) == limit for page in pages[:-1])
    rows = [row for page in pages for row in page]
    order = parse_order_by(order_by, listings.TASK_RUNS.order)
    assert all(comes_before(first, second, order) for first, second in pairwise(rows))


def comes_before(first: Record, second: Record, order: tuple[OrderKey, ...]) -> bool:
    """The order as it is meant: unset values last, whatever the direction."""
    for key in order:
        one, other = getattr(first, key.column), getattr(second, key.column)
        if one != other:
            if one is None or other is None:
                return other is None
            return bool(one > other) if key.descending else bool(one < other)
    return False


def test_a_row_that_is_new_does_not_shift_the_next_page(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, *({"id": uuid(i), "name": str(i), "create_time": T0 + i} for i in range(4)))

    async def use(reader: Reader) -> None:
        order = parse_order_by("", listings.FLOWS.order)
        first = await reader.page(sources.FLOWS, None, order, None, 2)
        database.add(tables.flows, {"id": uuid(9), "name": "9", "create_time": T0 + 9})
        second = await reader.page(sources.FLOWS, None, order, first.last, 2)
        assert ids([first.rows, second.rows]) == [uuid(3), uuid(2), uuid(1), uuid(0)]
        assert second.last is None

    database.read(use)


def test_a_row_deleted_under_the_query_is_left_out(database: Any, uuid: Uuid) -> None:
    database.add(tables.flows, *({"id": uuid(i), "name": str(i), "create_time": T0 + i} for i in range(3)))

    async def use(reader: Reader) -> Page:
        statements = iter(range(9))

        def before(*_: Any) -> None:
            if next(statements) == 1:
                with database.engine.begin() as connection:
                    connection.execute(delete(tables.flows).where(tables.flows.c.id == uuid(1)))

        event.listen((await reader._engine()).sync_engine, "before_cursor_execute", before)
        return await reader.page(sources.FLOWS, None, parse_order_by("", listings.FLOWS.order), None, 2)

    page = database.read(use)
    assert ids([page.rows]) == [uuid(2)]
    assert page.last is not None


@pytest.mark.parametrize(("size", "count", "expected"), [(512 * 1024, 9, 3), (3 * 1024**2, 3, 1), (1024, 40, 40)])
def test_a_page_ends_before_it_grows_too_large(database: Any, uuid: Uuid, size: int, count: int, expected: int) -> None:
    """The data of states counts, and no more of it is loaded than goes into the page."""
    database.add(tables.transitions, *({"id": uuid(i), "run_id": uuid(i), "data": bytes(size)} for i in range(count)))
    database.add(tables.flow_runs, *({"id": uuid(i), "state_id": uuid(i), "name": str(i)} for i in range(count)))
    loaded: list[int] = []

    async def use(reader: Reader) -> list[list[Record]]:
        def before(_: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
            if "AS state_data" in statement:
                loaded.append(len(parameters))

        event.listen((await reader._engine()).sync_engine, "before_cursor_execute", before)
        return await walk(reader, listings.FLOW_RUNS, 1000, "", "name")

    pages = database.read(use)
    assert sorted(ids(pages)) == [uuid(i) for i in range(count)]
    assert [len(page) for page in pages] == loaded == [expected] * (count // expected)
    for page in pages:
        assert len(page) == 1 or sum(len(row.state_data) for row in page) <= MAX_PAGE_BYTES


@pytest.mark.parametrize("text", ["m", "ß", "\U0001f680"])
def test_texts_count_in_bytes(database: Any, uuid: Uuid, text: str) -> None:
    size = 700_000
    message = text * (size // len(text.encode()))
    database.add(tables.logs, *({"id": uuid(i), "message": message} for i in range(5)))
    pages = database.read(lambda reader: walk(reader, listings.LOGS, 1000))
    assert [len(page) for page in pages] == [2, 2, 1]


def explain(database: Any, listing: Listing, filter: str, order_by: str = "") -> str:
    """SQLite's plan for the first statement of a page."""
    plans: list[str] = []

    async def use(reader: Reader) -> None:
        def before(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if not plans:
                plans.append("")
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans[0] = "\n".join(row[3] for row in rows)

        event.listen((await reader._engine()).sync_engine, "before_cursor_execute", before)
        await reader.page(
            listing.source,
            parse_filter(filter, listing.filters),
            parse_order_by(order_by, listing.order),
            (T0, "x"),
            10,
        )

    database.read(use)
    return plans[0]


@pytest.mark.parametrize(
    ("listing", "filter", "index"),
    [
        (listings.FLOWS, "", "ix_flows_create_time_id ((create_time,id)<(?,?))"),
        (listings.FLOW_RUNS, "", "ix_flow_runs_create_time_id ((create_time,id)<(?,?))"),
        (listings.FLOW_RUNS, "state.type = FAILED", "ix_flow_runs_state_type_create_time_id (state_type=? AND"),
        (listings.FLOW_RUNS, "flow_name = x", "ix_flow_runs_flow_id_create_time_id (flow_id=? AND"),
        (listings.TASK_RUNS, "flow_run_id = {0}", "ix_task_runs_flow_run_id_create_time_id (flow_run_id=? AND"),
        (listings.LOGS, "flow_run_id = {0}", "ix_logs_flow_run_id_create_time_id (flow_run_id=? AND"),
        (listings.LOGS, "", "ix_logs_create_time_id ((create_time,id)>(?,?))"),
        (listings.SESSIONS, "", "ix_sessions_create_time_id ((create_time,id)<(?,?))"),
    ],
)
@only_sqlite
def test_common_lists_are_answered_by_an_index(
    database: Any, uuid: Uuid, listing: Listing, filter: str, index: str
) -> None:
    plan = explain(database, listing, filter.format(uuid(0)))
    assert index in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("filter", "until", "expected"),
    [
        ("", T0 + 9, [0, 1, 2, 3, 4]),
        ("", T0 + 1, [0, 1, 2]),
        ("flow_name = etl", T0 + 9, [1, 3]),
        ("flow_name = etl AND name = b", T0 + 1, [1]),
        ("flow_name = none", T0 + 9, []),
    ],
)
def test_the_oldest_rows_are_counted_and_walked_by_their_keys(
    database: Any, uuid: Uuid, filter: str, until: int, expected: list[int]
) -> None:
    database.add(tables.flows, {"id": uuid(100), "name": "etl"}, {"id": uuid(101), "name": "other"})
    times = [T0, T0 + 1, T0 + 1, T0 + 2, T0 + 3]
    database.add(
        tables.flow_runs,
        *(
            {"id": uuid(i), "flow_id": uuid(100 + (i + 1) % 2), "create_time": time, "name": "ab"[i % 2]}
            for i, time in enumerate(times)
        ),
    )
    condition = parse_filter(filter, listings.FLOW_RUNS.filters)

    async def use(reader: Reader) -> None:
        found: list[tuple[int, str]] = []
        while page := await reader.oldest(sources.FLOW_RUNS, condition, found[-1] if found else None, until, 2):
            assert len(page) <= 2
            found += page
        assert found == [(times[i], uuid(i)) for i in expected]
        assert await reader.count(sources.FLOW_RUNS, condition, until) == len(expected)

    database.read(use)
