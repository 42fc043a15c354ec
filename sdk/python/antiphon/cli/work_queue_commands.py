"""`antiphon work-queue`."""

from functools import partial
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.completing import complete_work_pools, complete_work_queues
from antiphon.cli.limit_output import print_limit_in_use
from antiphon.cli.output import JsonFlag, show, show_list, tell
from antiphon.cli.work_lookup import find_pool, find_queue, list_queues, scheduled_runs, slots_of
from antiphon.cli.work_options import HoursOption, LimitArgument, MostOption, QueueLimitOption, VerboseFlag
from antiphon.cli.work_tables import queue_page, queues_table, upcoming_table
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.work_pool_pb2 import WorkQueue
from antiphon.v1.work_pool_service_pb2 import (
    CreateWorkQueueRequest,
    DeleteWorkQueueRequest,
    UpdateWorkQueueRequest,
    UpdateWorkQueueResponse,
)

app = typer.Typer(name="work-queue", add_completion=False, help="Queues of work pools.", no_args_is_help=True)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of a work queue.", autocompletion=complete_work_queues)
]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool", "-p", help="Its pool, where several have a queue of this name.", autocompletion=complete_work_pools
    ),
]


@app.callback()
def group() -> None:
    """Queues of work pools: which runs go first, and how many at once."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it shall be called.")],
    pool: Annotated[
        str, typer.Option("--pool", "-p", help="The work pool it is for.", autocompletion=complete_work_pools)
    ],
    limit: QueueLimitOption = None,
    priority: Annotated[
        int, typer.Option("--priority", "-q", min=0, help="1 is served first; 0 puts it behind all others.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Make a queue of a work pool. With --json: the antiphon.v1.WorkQueue."""
    with ServiceClient() as client:
        wanted = WorkQueue(
            name=name, work_pool_id=find_pool(client, pool).id, concurrency_limit=limit, priority=priority
        )
        made = client.call(client.work_pools.CreateWorkQueue, CreateWorkQueueRequest(work_queue=wanted)).work_queue
    tell(made, f"The work pool {pool} has the queue {made.name} of priority {made.priority} now.", as_json=as_json)


@app.command("ls")
def list_of_queues(
    pool: Annotated[
        str | None, typer.Option("--pool", "-p", help="Those of this pool.", autocompletion=complete_work_pools)
    ] = None,
    match: Annotated[str, typer.Option("--match", "-m", help="Those whose name has this in it.")] = "",
    limit: MostOption = 100,
    verbose: VerboseFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """List work queues, of a pool in the order in which they are served; with ids on 100 columns or more.

    With --json: an array of antiphon.v1.WorkQueue.
    """
    with ServiceClient() as client:
        parts = [f'work_pool_id = "{find_pool(client, pool).id}"' if pool is not None else ""]
        parts.append(f"name:{quote(match)}" if match else "")
        queues = list_queues(client, " AND ".join(filter(None, parts)), limit)
    show_list(queues, partial(queues_table, verbose=verbose), "No work queues.", as_json=as_json)


@app.command()
def inspect(name: NameArgument, pool: PoolOption = None, as_json: JsonFlag = False) -> None:
    """Show all about a work queue. With --json: the antiphon.v1.WorkQueue."""
    with ServiceClient() as client:
        queue = find_queue(client, name, pool)
    show(queue, lambda: queue_page(queue), as_json=as_json)


@app.command()
def pause(name: NameArgument, pool: PoolOption = None, as_json: JsonFlag = False) -> None:
    """Have workers get no runs of a queue; what runs goes on. With --json: the antiphon.v1.WorkQueue."""
    with ServiceClient() as client:
        queue = _change(client, find_queue(client, name, pool), WorkQueue(paused=True), "paused")
    tell(queue, f"The work queue {_name(queue)} is paused.", as_json=as_json)


@app.command()
def resume(name: NameArgument, pool: PoolOption = None, as_json: JsonFlag = False) -> None:
    """Have workers get the runs of a queue again. With --json: the antiphon.v1.WorkQueue."""
    with ServiceClient() as client:
        queue = _change(client, find_queue(client, name, pool), WorkQueue(paused=False), "paused")
    tell(queue, f"The work queue {_name(queue)} is active.", as_json=as_json)


@app.command("set-concurrency-limit")
def set_concurrency_limit(
    name: NameArgument, limit: LimitArgument, pool: PoolOption = None, as_json: JsonFlag = False
) -> None:
    """Limit how many runs of a queue are under way at once. With --json: the antiphon.v1.WorkQueue."""
    with ServiceClient() as client:
        wanted = WorkQueue(concurrency_limit=limit)
        queue = _change(client, find_queue(client, name, pool), wanted, "concurrency_limit")
    tell(queue, f"At most {limit} runs of the work queue {_name(queue)} are under way at once now.", as_json=as_json)


@app.command("clear-concurrency-limit")
def clear_concurrency_limit(name: NameArgument, pool: PoolOption = None, as_json: JsonFlag = False) -> None:
    """Take the limit of a queue away. With --json: the antiphon.v1.WorkQueue."""
    with ServiceClient() as client:
        queue = _change(client, find_queue(client, name, pool), WorkQueue(), "concurrency_limit")
    tell(queue, f"The work queue {_name(queue)} has no limit any more.", as_json=as_json)


@app.command()
def slots(name: NameArgument, pool: PoolOption = None, as_json: JsonFlag = False) -> None:
    """Show who holds the slots of a work queue and who waits for one.

    With --json: an object with `concurrency_limit` (antiphon.v1.ConcurrencyLimit), `slots` (an array of
    antiphon.v1.Slot) and `slot_waiters` (an array of antiphon.v1.SlotWaiter).
    """
    with ServiceClient() as client:
        found = slots_of(client, "work-queue", find_queue(client, name, pool))
    print_limit_in_use(found, as_json=as_json)


@app.command()
def preview(
    name: NameArgument,
    hours: HoursOption = None,
    pool: PoolOption = None,
    limit: MostOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """List the runs that wait in a work queue, the next one first. With --json: an array of antiphon.v1.FlowRun."""
    with ServiceClient() as client:
        queue = find_queue(client, name, pool)
        runs = scheduled_runs(client, [queue], hours, limit)
    show_list(runs, upcoming_table, f"No runs wait in the work queue {_name(queue)}.", as_json=as_json)


@app.command("read-runs")
def read_runs(
    name: NameArgument,
    pool: PoolOption = None,
    limit: MostOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """List the runs of a work queue that workers could take now. With --json: an array of antiphon.v1.FlowRun."""
    with ServiceClient() as client:
        queue = find_queue(client, name, pool)
        runs = scheduled_runs(client, [queue], 0, limit)
    show_list(runs, upcoming_table, f"No runs of the work queue {_name(queue)} are due.", as_json=as_json)


@app.command()
def delete(name: NameArgument, pool: PoolOption = None, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a work queue; runs that wait in it stay and no worker takes them.

    Asks first; where there is no terminal, --yes is needed. With --json: the antiphon.v1.WorkQueue as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        queue = find_queue(client, name, pool)
        if asks:
            confirm(f"Delete the work queue {_name(queue)}?")
        client.call(client.work_pools.DeleteWorkQueue, DeleteWorkQueueRequest(id=queue.id))
    tell(queue, f"The work queue {_name(queue)} is deleted.", as_json=as_json)


def _name(queue: WorkQueue) -> str:
    return f"{queue.work_pool_name}/{queue.name}"


def _change(client: ServiceClient, queue: WorkQueue, wanted: WorkQueue, field: str) -> WorkQueue:
    # The pool is no part of the change; the contract wants it to be a UUID wherever a queue is sent.
    wanted.id, wanted.work_pool_id = queue.id, queue.work_pool_id
    request = UpdateWorkQueueRequest(work_queue=wanted, update_mask=FieldMask(paths=[field]))
    response: UpdateWorkQueueResponse = client.call(client.work_pools.UpdateWorkQueue, request)
    return response.work_queue
