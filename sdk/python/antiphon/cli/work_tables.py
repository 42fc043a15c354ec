"""Work pools, their queues, and the runs that wait in them, as tables for people. Fetches nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, make_table, state_text
from antiphon.cli.run_words import ago_words, moment_words, when_words
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.work_pool_pb2 import WorkPool, WorkQueue


def pools_table(pools: Iterable[WorkPool], now: datetime, *, show_ids: bool) -> Table:
    """Pools, a line each."""
    table = make_table(
        "Name",
        "Type",
        "Active",
        "Limit",
        "In use",
        "Created",
        *(["ID"] if show_ids else []),
        shrinking=("Name", "Type"),
    )
    for each in pools:
        table.add_row(
            cut(each.name),
            cut(each.type),
            _active(each),
            limit_words(each),
            _in_use(each),
            ago_words(each.create_time, now),
            *([each.id] if show_ids else []),
        )
    return table


def queues_table(queues: Iterable[WorkQueue], now: datetime, *, show_ids: bool) -> Table:
    """Queues, a line each."""
    headers = ("Name", "Pool", "Priority", "Active", "Limit", "In use", "Created")
    table = make_table(*headers, *(["ID"] if show_ids else []), shrinking=("Name", "Pool"))
    for each in queues:
        table.add_row(
            cut(each.name),
            cut(each.work_pool_name),
            str(each.priority),
            _active(each),
            limit_words(each),
            _in_use(each),
            ago_words(each.create_time, now),
            *([each.id] if show_ids else []),
        )
    return table


def pool_page(pool: WorkPool, queues: Sequence[WorkQueue], now: datetime) -> RenderableType:
    """All about one pool, and its queues."""
    rows = [("Work pool", pool.name), ("ID", pool.id), ("Type", pool.type), *_limit_rows(pool)]
    if not queues:
        return facts_table(rows)
    return Group(facts_table(rows), "", Text("Queues", style="bold"), queues_table(queues, now, show_ids=False))


def queue_page(queue: WorkQueue) -> RenderableType:
    """All about one queue."""
    rows = [("Work queue", queue.name), ("ID", queue.id), ("Pool", queue.work_pool_name)]
    return facts_table([*rows, ("Priority", str(queue.priority)), *_limit_rows(queue)])


def upcoming_table(runs: Iterable[FlowRun], now: datetime, *, show_ids: bool) -> Table:
    """Runs that wait for workers, a line each."""
    table = make_table("Starts", "Name", "Flow", "State", *(["ID"] if show_ids else []), shrinking=("Name", "Flow"))
    for run in runs:
        starts = when_words(run.next_scheduled_start_time, now) if run.HasField("next_scheduled_start_time") else ""
        table.add_row(starts, cut(run.name), cut(run.flow_name), state_text(run), *([run.id] if show_ids else []))
    return table


def limit_words(limited: WorkPool | WorkQueue) -> str:
    """`5`; `none` where nothing is limited."""
    return str(limited.concurrency_limit) if limited.HasField("concurrency_limit") else "none"


def _in_use(limited: WorkPool | WorkQueue) -> str:
    return str(limited.active_slots) if limited.HasField("concurrency_limit") else ""


def _active(each: WorkPool | WorkQueue) -> str:
    return "no" if each.paused else "yes"


def _limit_rows(each: WorkPool | WorkQueue) -> list[tuple[str, str]]:
    in_use = f"{each.active_slots} of {each.concurrency_limit} in use" if each.HasField("concurrency_limit") else "none"
    return [
        ("Active", "no: paused, so workers get none of its runs" if each.paused else "yes"),
        ("Limit", in_use),
        ("Created", moment_words(each.create_time)),
        ("Updated", moment_words(each.update_time)),
    ]
