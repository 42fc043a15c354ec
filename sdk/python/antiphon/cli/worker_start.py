"""`antiphon worker start`."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon.cli.completing import complete_work_pools
from antiphon.cli.worker_class import worker_class_of
from antiphon.exceptions import ObjectNotFound
from antiphon.service_client import ServiceClient
from antiphon.v1.work_pool_service_pb2 import GetWorkPoolRequest
from antiphon.workers.worker_types import all_worker_types


def start(
    pool: Annotated[
        str,
        typer.Option("--pool", "-p", help="Take runs from this work pool.", autocompletion=complete_work_pools),
    ],
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Its name, one in its pool; drawn where none is given.")
    ] = None,
    work_queue: Annotated[
        list[str] | None, typer.Option("--work-queue", "-q", help="Only from this queue; may be given again.")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", "-t", help="Of which type; that of the pool where none is given.")
    ] = None,
    prefetch_seconds: Annotated[
        float | None,
        typer.Option("--prefetch-seconds", min=0, max=600, help="Prepare runs so long before their time."),
    ] = None,
    run_once: Annotated[
        bool, typer.Option("--run-once/--no-run-once", help="Take what is due now, and stop when that has ended.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-l", min=1, help="At most this many runs at a time.")] = None,
    with_healthcheck: Annotated[
        bool, typer.Option("--with-healthcheck/--no-with-healthcheck", help="Serve GET /health by HTTP.")
    ] = False,
    base_job_template: Annotated[
        Path | None,
        typer.Option(
            "--base-job-template", exists=True, dir_okay=False, help="A JSON file: the template of a pool that is made."
        ),
    ] = None,
    create_pool_if_not_found: Annotated[
        bool,
        typer.Option(
            "--create-pool-if-not-found/--no-create-pool-if-not-found", help="Make the pool where it is not there."
        ),
    ] = True,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="What deployments may ask of it; may be given again."),
    ] = None,
) -> None:
    """Take the runs of a work pool and have them run, until SIGINT or SIGTERM.

    What runs then ends first; a second signal kills it. With a health check the address is that of the settings
    ANTIPHON_WORKER_WEBSERVER_HOST and ANTIPHON_WORKER_WEBSERVER_PORT.
    """
    worker_class = worker_class_of(type_ or _type_of_pool(pool, may_make=create_pool_if_not_found))
    worker = worker_class(
        pool,
        work_queues=work_queue or [],
        name=name,
        prefetch_seconds=prefetch_seconds,
        create_pool_if_not_found=create_pool_if_not_found,
        limit=limit,
        base_job_template=_template_of(base_job_template),
        labels=_labels_of(label or []),
    )
    asyncio.run(worker.start(run_once=run_once, with_healthcheck=with_healthcheck, printer=typer.echo))


def _type_of_pool(name: str, *, may_make: bool) -> str:
    with ServiceClient() as client:
        try:
            found: Any = client.call(client.work_pools.GetWorkPool, GetWorkPoolRequest(name=name))
        except ObjectNotFound as error:
            if may_make:
                raise typer.BadParameter(
                    f"There is no work pool {name!r}. To have it made, say of which type with --type: "
                    f"{', '.join(all_worker_types())}."
                ) from error
            raise error.in_other_words(
                f"There is no work pool {name!r}. Make it with `antiphon work-pool create {name} --type process`."
            ) from error
    return str(found.work_pool.type)


def _template_of(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        template = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{file} is no JSON: {error}.") from error
    if not isinstance(template, dict):
        raise typer.BadParameter(f"{file} has no JSON object with `job_configuration` and `variables`.")
    return template


def _labels_of(given: list[str]) -> dict[str, str]:
    labels = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{each!r} is no label: write KEY=VALUE, such as --label gpu=yes.")
        labels[key] = value
    return labels
