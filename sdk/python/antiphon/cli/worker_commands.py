"""`antiphon worker`."""

from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.completing import complete_work_pools
from antiphon.cli.live_list import WatchFlag, show_live
from antiphon.cli.live_lists import live_workers
from antiphon.cli.output import JsonFlag, show, show_list, tell
from antiphon.cli.references import whole_id
from antiphon.cli.work_lookup import find_pool
from antiphon.cli.work_options import MostOption
from antiphon.cli.work_tables import worker_page, workers_table
from antiphon.cli.worker_start import start
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.work_service_pb2 import (
    DeleteWorkerRequest,
    GetWorkerRequest,
    GetWorkerResponse,
    ListWorkersRequest,
)
from antiphon.v1.worker_pb2 import Worker

app = typer.Typer(name="worker", add_completion=False, help="Who runs what waits in pools.", no_args_is_help=True)

WorkerArgument = Annotated[str, typer.Argument(metavar="WORKER", help="The name of a worker, or its id.")]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool", "-p", help="Its pool, where several have a worker of this name.", autocompletion=complete_work_pools
    ),
]


class AmbiguousWorker(AntiphonException):
    """Workers of several pools have this name."""


@app.callback()
def group() -> None:
    """Who runs what waits in work pools."""


app.command()(start)


@app.command("ls")
def list_workers(
    pool: Annotated[
        str | None, typer.Option("--pool", "-p", help="Those of this pool.", autocompletion=complete_work_pools)
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Those that are there now.")] = False,
    limit: MostOption = 100,
    watch: WatchFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """List workers by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.Worker; with --watch too, one antiphon.v1.WatchWorkersResponse a line.
    """
    with ServiceClient() as client:
        parts = [f'work_pool_id = "{find_pool(client, pool).id}"'] if pool is not None else []
        parts += ["online = true"] if online else []
        text = " AND ".join(parts)
        if watch:
            show_live(client, live_workers(text, lambda: _fitting(client, text, limit), limit), as_json=as_json)
            return
        workers = _fitting(client, text, limit)
    show_list(workers, workers_table, "No workers.", as_json=as_json)


@app.command()
def inspect(worker: WorkerArgument, pool: PoolOption = None, as_json: JsonFlag = False) -> None:
    """Show all about a worker. With --json: the antiphon.v1.Worker."""
    with ServiceClient() as client:
        found = _find(client, worker, pool)
    show(found, lambda: worker_page(found), as_json=as_json)


@app.command()
def delete(worker: WorkerArgument, pool: PoolOption = None, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Forget a worker that is not there any more. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.Worker as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        found = _find(client, worker, pool)
        if asks:
            confirm(f"Forget the worker {found.name} of the work pool {found.work_pool_name}?")
        client.call(client.workers.DeleteWorker, DeleteWorkerRequest(id=found.id))
    tell(found, f"The worker {found.name} of the work pool {found.work_pool_name} is forgotten.", as_json=as_json)


def _fitting(client: ServiceClient, filter_text: str, limit: int) -> list[Worker]:
    request = ListWorkersRequest(filter=filter_text, order_by="name")
    return list(client.pages(client.workers.ListWorkers, request, "workers", limit=limit))


def _find(client: ServiceClient, reference: str, pool: str | None) -> Worker:
    """The worker with this id or name, for None of any pool.

    Raises ObjectNotFound, AmbiguousWorker, or what `ServiceClient.call` raises.
    """
    if (id := whole_id(reference)) is not None:
        response: GetWorkerResponse = client.call(client.workers.GetWorker, GetWorkerRequest(id=id))
        return response.worker
    of_pool = f' AND work_pool_id = "{find_pool(client, pool).id}"' if pool is not None else ""
    found = _fitting(client, f"name = {quote(reference.strip())}{of_pool}", 2)
    if len(found) == 1:
        return found[0]
    if not found:
        where = f" in the work pool {pool!r}" if pool is not None else ""
        raise ObjectNotFound(
            f"There is no worker {reference!r}{where}; `antiphon worker ls` has those there are.", code="NOT_FOUND"
        )
    raise AmbiguousWorker(f"Several work pools have a worker {reference!r}. Say which with --pool.")
