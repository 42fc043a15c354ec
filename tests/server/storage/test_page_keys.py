"""Lists stay fast: for every field and order of runs, which index leads to a page, and what is done where none does.

What counts as fast: a page is found along an index, or all rows are looked at once, as they lie, and with a bounded
number of steps for each. That second way is for filters that few people need and for which an index would cost every
run: it takes 20 to 50 ms of 100,000 runs, see `scripts/bench --only lists`. A field must be on one of the two lists
below, so that whoever adds one decides.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from antiphon_server.domain.filter_tree import Kind
from antiphon_server.domain.filters import parse_filter
from antiphon_server.domain.ordering import parse_order_by
from antiphon_server.storage import page_keys
from antiphon_server.storage.page_keys import GUESS_STEPS, GUESS_STEPS_OF_ROW, key_query, look_query
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.reader_engine import reader_engine
from bench.list_requests import NOTHING, TOGETHER, filters_of, orders_of
from bench.stored_runs import fill
from stores import database_for, only_sqlite

# PostgreSQL keeps statistics and needs no guess with a budget.
pytestmark = only_sqlite

RUNS = {"ListFlowRuns": listings.FLOW_RUNS, "ListTaskRuns": listings.TASK_RUNS}
COUNT = 1_000
#: Steps of SQLite's machine for one row that is looked at and sorted, and for the statement as a whole.
STEPS_OF_ROW, STEPS_OF_STATEMENT = 80, 20_000

#: For each list, the fields of which equality is answered by an index: what few rows share, or what is asked for most.
BY_INDEX = {
    "ListFlowRuns": {
        *("id", "flow_id", "flow_name", "deployment_id", "work_queue_id", "work_queue_name", "schedule_id"),
        *("operation_id", "parent_task_run_id", "parent_flow_run_id", "state.type"),
    },
    "ListTaskRuns": {"id", "flow_run_id"},
}
#: Fields of which all rows are looked at where the newest ones do not fill the page.
BY_LOOK = {
    "ListFlowRuns": {"name", "tags", "state.name", "flow_version", "idempotency_key", "auto_scheduled", "run_count"},
    "ListTaskRuns": {"name", "tags", "state.name", "state.type", "task_key", "run_count"},
}
#: Times: those by which an index goes, and the others.
TIMES_BY_INDEX = {"ListFlowRuns": {"create_time", "next_scheduled_start_time"}, "ListTaskRuns": {"create_time"}}
TIMES_BY_LOOK = {"start_time", "end_time", "expected_start_time", "next_scheduled_start_time"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str]]:
    path = tmp_path_factory.mktemp("lists") / "antiphon.db"
    return path, fill(path, COUNT)


@pytest.fixture
def driver(filled: tuple[Path, Mapping[str, str]]) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(filled[0])
    yield connection
    connection.close()


def query(listing: Listing, filter: str, order: str, limit: int = 101, *, sure: bool = False) -> Select[Any]:
    condition, keys = parse_filter(filter, listing.filters), parse_order_by(order, listing.order)
    return (look_query if sure else key_query)(listing.source, condition, keys, None, limit)


def run(driver: sqlite3.Connection, statement: Select[Any], before: str = "") -> list[Any]:
    """The rows of a statement, with something said before it."""
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})  # type: ignore[no-untyped-call]
    return driver.execute(f"{before}{compiled}", [compiled.params[name] for name in compiled.positiontup]).fetchall()


def plan(driver: sqlite3.Connection, statement: Select[Any]) -> list[str]:
    return [row[3] for row in run(driver, statement, "EXPLAIN QUERY PLAN ")]


def steps(driver: sqlite3.Connection, statement: Select[Any]) -> int:
    """How many the machine takes, to the hundred."""
    looks: list[None] = []
    driver.set_progress_handler(lambda: looks.append(None), 100)
    run(driver, statement)
    driver.set_progress_handler(None, 0)
    return len(looks) * 100


@pytest.mark.parametrize("method", RUNS)
def test_each_field_is_on_a_list(method: str) -> None:
    filters = RUNS[method].filters
    times = {name for name, field in filters.items() if field.kind is Kind.TIME}
    assert filters.keys() - times == BY_INDEX[method] | BY_LOOK[method]
    assert not BY_INDEX[method] & BY_LOOK[method]
    assert times == TIMES_BY_INDEX[method] | TIMES_BY_LOOK


def equality(listing: Listing, name: str) -> str:
    field = listing.filters[name]
    values = {Kind.UUID: NOTHING, Kind.ENUM: next(iter(field.words), "")}
    return f'{name} = "{values.get(field.kind, "nobody")}"'


@pytest.mark.parametrize(("method", "name"), [(method, name) for method in RUNS for name in sorted(BY_INDEX[method])])
def test_an_index_answers(driver: sqlite3.Connection, method: str, name: str) -> None:
    listing = RUNS[method]
    found = plan(driver, query(listing, equality(listing, name), ""))
    table = listing.source.table.name
    of_table = [line for line in found if f" {table} " in f"{line} "]
    assert of_table, found
    for line in of_table:
        assert line.startswith(f"SEARCH {table} USING ") and ("=?" in line or "INDEX" in line), found


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method in RUNS for name in sorted(TIMES_BY_INDEX[method])]
)
def test_an_index_answers_for_a_time(driver: sqlite3.Connection, method: str, name: str) -> None:
    listing = RUNS[method]
    found = plan(driver, query(listing, f'{name} > "2026-01-01T00:00:00Z"', f"{name} desc"))
    assert any(line.startswith("SEARCH") and f"({name}>?)" in line for line in found), found


@pytest.mark.parametrize("method", RUNS)
def test_a_list_of_all_walks_along_an_index(driver: sqlite3.Connection, method: str) -> None:
    listing = RUNS[method]
    for order in ("", "create_time", "create_time desc"):
        found = plan(driver, query(listing, "", order))
        assert len(found) == 1 and "USING COVERING INDEX" in found[0] and "create_time_id" in found[0], found


@pytest.mark.parametrize("method", RUNS)
def test_where_no_index_leads_all_rows_are_looked_at_once(
    driver: sqlite3.Connection, filled: tuple[Path, Mapping[str, str]], method: str
) -> None:
    """Whatever is asked for: with as many steps as there are rows, times a small number."""
    listing = RUNS[method]
    bound = STEPS_OF_STATEMENT + COUNT * STEPS_OF_ROW
    most = 0
    for filter in filters_of(listing, filled[1]):
        for order in orders_of(listing):
            statement = query(listing, filter, order, sure=True)
            found = plan(driver, statement)
            scans = [line for line in found if line.startswith(f"SCAN {listing.source.table.name}")]
            assert len(scans) == 1, (filter, order, found)
            took = steps(driver, statement)
            assert took <= bound, (filter, order, took, found)
            most = max(most, took)
    assert most > COUNT  # It was counted.


@pytest.mark.parametrize("method", RUNS)
def test_a_page_that_an_index_leads_to_is_within_the_budget(
    driver: sqlite3.Connection, filled: tuple[Path, Mapping[str, str]], method: str
) -> None:
    listing = RUNS[method]
    for limit in (1, 101, 1001):
        for filter in ("", *(equality(listing, name) for name in BY_INDEX[method])):
            took = steps(driver, query(listing, filter, "", limit))
            assert took < GUESS_STEPS + limit * GUESS_STEPS_OF_ROW, (filter, limit, took)


@pytest.mark.parametrize("method", RUNS)
def test_both_ways_find_the_same(
    filled: tuple[Path, Mapping[str, str]], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(both_ways(*filled, RUNS[method], monkeypatch))


async def both_ways(path: Path, known: Mapping[str, str], listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = reader_engine(database_for(path))
    reader = Reader(lambda: engine)
    guesses = 0

    async def page(filter: str, order: str) -> list[str]:
        """The ids of the second page of seven, or of the only one."""
        condition, keys = parse_filter(filter, listing.filters), parse_order_by(order, listing.order)
        first = await reader.page(listing.source, condition, keys, None, 7)
        if first.last is None:
            return [row.id for row in first.rows]
        return [row.id for row in (await reader.page(listing.source, condition, keys, first.last, 7)).rows]

    asked = [
        (filter, order)
        for number, filter in enumerate(filters_of(listing, known))
        for order in (orders_of(listing)[number % 2], orders_of(listing)[number % len(orders_of(listing))])
    ]
    monkeypatch.setattr(page_keys, "GUESS_STEPS", 10_000_000)
    guessed = [await page(*each) for each in asked]
    monkeypatch.setattr(page_keys, "GUESS_STEPS", 1)
    monkeypatch.setattr(page_keys, "GUESS_STEPS_OF_ROW", 0)
    monkeypatch.setattr(page_keys, "GUESS_STEPS_OF_PAGE", 0)
    within = page_keys._within

    async def counted(*args: Any) -> Any:
        nonlocal guesses
        found = await within(*args)
        guesses += found is None
        return found

    monkeypatch.setattr(page_keys, "_within", counted)
    sure = [await page(*each) for each in asked]
    await engine.dispose()
    assert guesses > len(asked)
    for each, first, second in zip(asked, guessed, sure, strict=True):
        assert first == second, each
    assert len({tuple(ids) for ids in sure}) > 20


def test_in_a_large_database_a_second_guess_goes_before_the_look(
    filled: tuple[Path, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = RUNS["ListTaskRuns"]
    order, condition = parse_order_by("", listing.order), parse_filter("state.type = FAILED", listing.filters)
    budgets: list[int] = []
    within = page_keys._within

    async def noted(connection: Any, statement: Any, steps: int) -> Any:
        budgets.append(steps)
        return await within(connection, statement, steps)

    monkeypatch.setattr(page_keys, "_within", noted)
    monkeypatch.setattr(page_keys, "GUESS_STEPS", 100)
    monkeypatch.setattr(page_keys, "GUESS_STEPS_OF_ROW", 0)

    async def ids(steps_of_page: float) -> list[str]:
        monkeypatch.setattr(page_keys, "GUESS_STEPS_OF_PAGE", steps_of_page)
        engine = reader_engine(database_for(filled[0]))
        page = await Reader(lambda: engine).page(listing.source, condition, order, None, 5)
        await engine.dispose()
        return [row.id for row in page.rows]

    looked = asyncio.run(ids(0))
    assert len(budgets) == 1
    monkeypatch.setattr(page_keys, "look_query", Mock(side_effect=AssertionError("all rows were looked at")))
    assert asyncio.run(ids(1_000)) == looked
    assert len(looked) == 5
    assert budgets[1] == 100
    assert budgets[2] > 100_000


def test_who_goes_away_while_the_budget_is_set_leaves_none_behind() -> None:
    """The driver does in the end what it was asked for, whether or not somebody waits for it."""

    class Driver:
        def __init__(self) -> None:
            self.asked: list[bool] = []
            self.reached = asyncio.Event()

        async def set_progress_handler(self, handler: Any, steps: int) -> None:
            self.asked.append(handler is not None)
            if handler is not None:
                self.reached.set()
                await asyncio.Event().wait()

    async def go_away() -> list[bool]:
        driver = Driver()
        connection = AsyncMock(get_raw_connection=AsyncMock(return_value=Mock(driver_connection=driver)))
        connection.dialect.name = "sqlite"
        listing = RUNS["ListFlowRuns"]
        order = parse_order_by("", listing.order)
        asking = asyncio.create_task(page_keys.page_keys(connection, listing.source, None, order, None, 1))
        await driver.reached.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return driver.asked

    assert asyncio.run(go_away()) == [True, False]


def test_combinations_are_of_fields_that_there_are() -> None:
    for method, texts in TOGETHER.items():
        for text in texts:
            known = dict.fromkeys(("deployment_id", "schedule_id", "flow_run_id"), NOTHING)
            assert parse_filter(text.format_map(known), RUNS[method].filters) is not None


#: Lists whose default order no index has, and why none is needed.
SORTED = {"ListConcurrencyLimits": "there are few"}


@pytest.mark.parametrize(
    "listing", [each for each in vars(listings).values() if isinstance(each, Listing)], ids=lambda each: each.method
)
def test_every_list_walks_along_an_index(driver: sqlite3.Connection, listing: Listing) -> None:
    if listing.method.endswith(("States", "Commands", "Versions")):
        return  # Of one thing, by whose id they are found.
    found = plan(driver, query(listing, "", ""))
    sorts = any("TEMP B-TREE" in line for line in found)
    assert sorts == (listing.method in SORTED), found
