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
from antiphon.v1.work_pool_pb2 import WorkPool, WorkPoolStatus, WorkQueue
from antiphon.v1.worker_pb2 import Worker, WorkerStatus

_STATUS_STYLES = {
    WorkPoolStatus.WORK_POOL_STATUS_READY: "green",
    WorkPoolStatus.WORK_POOL_STATUS_NOT_READY: "yellow",
    WorkPoolStatus.WORK_POOL_STATUS_PAUSED: "bright_black",
}


def pools_table(pools: Iterable[WorkPool], now: datetime, *, show_ids: bool, verbose: bool = False) -> Table:
    """Pools, a line each; with `verbose` ids and descriptions."""
    table = make_table(
        "Name",
        "Type",
        "Active",
        "Limit",
        "In use",
        "Created",
        *_more_headers(show_ids, verbose),
        shrinking=("Name", "Type", "Description"),
    )
    for each in pools:
        table.add_row(
            cut(each.name),
            cut(each.type),
            status_text(each),
            limit_words(each),
            _in_use(each),
            ago_words(each.create_time, now),
            *([each.id] if show_ids or verbose else []),
            *([cut(each.description)] if verbose else []),
        )
    return table


def _more_headers(show_ids: bool, verbose: bool) -> list[str]:
    return [*(["ID"] if show_ids or verbose else []), *(["Description"] if verbose else [])]


def queues_table(queues: Iterable[WorkQueue], now: datetime, *, show_ids: bool, verbose: bool = False) -> Table:
    """Queues, a line each; with `verbose` ids and descriptions."""
    headers = ("Name", "Pool", "Priority", "Status", "Limit", "In use", "Created")
    shrinking = ("Name", "Pool", "Description")
    table = make_table(*headers, *_more_headers(show_ids, verbose), shrinking=shrinking)
    for each in queues:
        table.add_row(
            cut(each.name),
            cut(each.work_pool_name),
            str(each.priority),
            status_text(each),
            limit_words(each),
            _in_use(each),
            ago_words(each.create_time, now),
            *([each.id] if show_ids or verbose else []),
            *([cut(each.description)] if verbose else []),
        )
    return table


def pool_page(pool: WorkPool, queues: Sequence[WorkQueue], now: datetime) -> RenderableType:
    """All about one pool, and its queues."""
    rows: list[tuple[str, str | Text]] = [
        ("Work pool", pool.name),
        ("ID", pool.id),
        ("Description", pool.description),
        ("Type", pool.type),
        *_limit_rows(pool),
        ("Job template", pool.base_job_template),
    ]
    if not queues:
        return facts_table(rows)
    return Group(facts_table(rows), "", Text("Queues", style="bold"), queues_table(queues, now, show_ids=False))


def queue_page(queue: WorkQueue) -> RenderableType:
    """All about one queue."""
    return facts_table(
        [
            ("Work queue", queue.name),
            ("ID", queue.id),
            ("Description", queue.description),
            ("Pool", queue.work_pool_name),
            ("Priority", str(queue.priority)),
            *_limit_rows(queue),
        ]
    )


def upcoming_table(runs: Iterable[FlowRun], now: datetime, *, show_ids: bool) -> Table:
    """Runs that wait for workers, a line each."""
    table = make_table("Starts", "Name", "Flow", "State", *(["ID"] if show_ids else []), shrinking=("Name", "Flow"))
    for run in runs:
        starts = when_words(run.next_scheduled_start_time, now) if run.HasField("next_scheduled_start_time") else ""
        table.add_row(starts, cut(run.name), cut(run.flow_name), state_text(run), *([run.id] if show_ids else []))
    return table


def workers_table(workers: Iterable[Worker], now: datetime, *, show_ids: bool) -> Table:
    """Workers, a line each."""
    headers = ("Name", "Pool", "Status", "Queues", "Labels", "Last heard of")
    table = make_table(*headers, *(["ID"] if show_ids else []), shrinking=("Name", "Pool", "Queues", "Labels"))
    for each in workers:
        table.add_row(
            cut(each.name),
            cut(each.work_pool_name),
            worker_status(each),
            cut(", ".join(each.work_queue_names) or "(all)"),
            cut(_label_words(each)),
            ago_words(each.last_heard_time, now),
            *([each.id] if show_ids else []),
        )
    return table


def worker_page(worker: Worker) -> RenderableType:
    """All about one worker."""
    return facts_table(
        [
            ("Worker", worker.name),
            ("ID", worker.id),
            ("Pool", worker.work_pool_name),
            ("Status", worker_status(worker)),
            ("Queues", ", ".join(worker.work_queue_names) or "all of the pool"),
            ("Labels", _label_words(worker)),
            ("Program", worker.client),
            ("Session", worker.session_id),
            ("Last heard of", moment_words(worker.last_heard_time)),
            ("First came", moment_words(worker.create_time)),
            ("Last came", moment_words(worker.update_time)),
        ]
    )


def _label_words(worker: Worker) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(worker.labels.items()))


def worker_status(worker: Worker) -> Text:
    online = worker.status == WorkerStatus.WORKER_STATUS_ONLINE
    return Text("online", style="green") if online else Text("offline", style="bright_black")


def status_text(each: WorkPool | WorkQueue) -> Text:
    """`ready`, `not ready` for want of a worker, `paused`."""
    if each.status not in WorkPoolStatus.values():
        return Text(str(each.status))
    word = WorkPoolStatus.Name(each.status).removeprefix("WORK_POOL_STATUS_").lower().replace("_", " ")
    return Text(word, style=_STATUS_STYLES.get(each.status, ""))


def limit_words(limited: WorkPool | WorkQueue) -> str:
    """`5`; `none` where nothing is limited."""
    return str(limited.concurrency_limit) if limited.HasField("concurrency_limit") else "none"


def _in_use(limited: WorkPool | WorkQueue) -> str:
    return str(limited.active_slots) if limited.HasField("concurrency_limit") else ""


def _limit_rows(each: WorkPool | WorkQueue) -> list[tuple[str, str | Text]]:
    in_use = f"{each.active_slots} of {each.concurrency_limit} in use" if each.HasField("concurrency_limit") else "none"
    return [
        ("Status", status_text(each)),
        ("Limit", in_use),
        ("Created", moment_words(each.create_time)),
        ("Updated", moment_words(each.update_time)),
    ]
