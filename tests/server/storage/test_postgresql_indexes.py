"""On PostgreSQL each list that people ask for all the time, and each look of a service, is answered by an index."""

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Select, func, select

from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from antiphon_server.domain.filter_tree import Kind
from antiphon_server.domain.filters import parse_filter
from antiphon_server.domain.ordering import parse_order_by
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.opening import database_at
from antiphon_server.storage.page_keys import key_query
from antiphon_server.storage.schema import prepare
from looks_at_lines import LOOKS
from stores import url_for

ID = "01890a5d-ac96-774b-bcce-000000000000"
#: Lists whose default order no index has, and why none is needed.
SORTED = {"ListConcurrencyLimits": "there are few"}
#: Of one thing, by whose id they are found.
OF_ONE_THING = ("States", "Commands", "Versions")


class Plans:
    """What PostgreSQL does for a statement where it can avoid to look at all rows, and to sort them: which way is the
    cheaper one depends on what the tables hold."""

    def __init__(self, url: str) -> None:
        engine = database_at(url).writer_engine()
        prepare(engine)
        self._dialect = engine.dialect
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")

    def steps(self, statement: Select[Any]) -> list[dict[str, Any]]:
        sql = str(statement.compile(dialect=self._dialect, compile_kwargs={"literal_binds": True}))
        ((plan,),) = self.connection.execute(f"EXPLAIN (FORMAT JSON) {sql}".encode()).fetchall()
        return list(_walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))

    def indexes(self, statement: Select[Any]) -> dict[str, str]:
        """By name, those that it goes along, and what it looks for in each; none may be looked at as a whole table, and
        nothing may be sorted."""
        steps = self.steps(statement)
        assert not [step for step in steps if step["Node Type"] in ("Seq Scan", "Sort")], steps
        return {step["Index Name"]: step.get("Index Cond", "") for step in steps if "Index Name" in step}


def _walk(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for below in step.get("Plans", ()):
        yield from _walk(below)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plans]:
    plans = Plans(url_for(tmp_path_factory.mktemp("plans") / "antiphon.db"))
    yield plans
    plans.connection.close()


def page(listing: Listing, filter: str, order_by: str = "", *, after: bool = True) -> Select[Any]:
    """A page in the middle of a list."""
    condition, order = parse_filter(filter, listing.filters), parse_order_by(order_by, listing.order)
    return key_query(listing.source, condition, order, (5, ID) if after else None, 101)


@pytest.mark.parametrize(
    ("listing", "filter", "index", "found_by"),
    [
        (listings.FLOWS, "", "ix_flows_create_time_id", "ROW(create_time, "),
        (listings.FLOW_RUNS, "", "ix_flow_runs_create_time_id", "ROW(create_time, "),
        (listings.FLOW_RUNS, "state.type = FAILED", "ix_flow_runs_state_type_create_time_id", "(state_type = "),
        (listings.TASK_RUNS, f"flow_run_id = {ID}", "ix_task_runs_flow_run_id_create_time_id", "flow_run_id"),
        (listings.LOGS, f"flow_run_id = {ID}", "ix_logs_flow_run_id_create_time_id", "flow_run_id"),
        (listings.LOGS, "", "ix_logs_create_time_id", "ROW(create_time, "),
        (listings.SESSIONS, "", "ix_sessions_create_time_id", "ROW(create_time, "),
    ],
)
def test_common_lists_are_answered_by_an_index(
    plans: Plans, listing: Listing, filter: str, index: str, found_by: str
) -> None:
    found = plans.indexes(page(listing, filter))
    assert found_by in found[index], found


def test_runs_of_a_flow_are_found_by_its_name(plans: Plans) -> None:
    found = {step.get("Index Name") for step in plans.steps(page(listings.FLOW_RUNS, "flow_name = x"))}
    assert {"ix_flows_name", "ix_flow_runs_flow_id_create_time_id"} <= found or "uq_flows_name" in found, found


FEW = [
    (listings.FLOW_RUNS, ("id", "flow_id", "deployment_id", "work_queue_id", "schedule_id", "parent_task_run_id")),
    (listings.TASK_RUNS, ("id", "flow_run_id")),
]


@pytest.mark.parametrize(("listing", "name"), [(listing, name) for listing, names in FEW for name in names])
def test_what_few_rows_share_is_found_by_an_index(plans: Plans, listing: Listing, name: str) -> None:
    assert listing.filters[name].kind is Kind.UUID
    # Without an order: that of the list has an index too, and which one is better depends on how many rows there are.
    steps = plans.steps(page(listing, f"{name} = {ID}", after=False).order_by(None).limit(None))
    table = listing.source.table.name
    (look,) = [step for step in steps if step.get("Relation Name") == table]
    assert re.search(rf"\b{name}\)?(::text)? = ", look["Index Cond"]), look


@pytest.mark.parametrize(
    "listing", [each for each in vars(listings).values() if isinstance(each, Listing)], ids=lambda each: each.method
)
def test_every_list_walks_along_an_index(plans: Plans, listing: Listing) -> None:
    if listing.method.endswith(OF_ONE_THING):
        return
    # Rows with the same name, say, are sorted by their ids; names are their own.
    sorts = any(step["Node Type"] == "Sort" for step in plans.steps(page(listing, "", after=False)))
    assert sorts == (listing.method in SORTED)


@pytest.mark.parametrize("query", LOOKS.values(), ids=LOOKS)
def test_each_look_at_deferred_task_runs_is_one_into_an_index(plans: Plans, query: Any) -> None:
    (index,) = plans.indexes(query)
    assert index.startswith("ix_task_runs_task_key"), index


def test_the_next_time_to_plan_is_found_by_its_index(plans: Plans) -> None:
    query = select(func.min(schedules.c.plan_time)).where(schedules.c.plan_time.is_not(None))
    assert set(plans.indexes(query)) == {"ix_schedules_plan_time"}
