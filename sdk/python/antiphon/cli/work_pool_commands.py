"""`antiphon work-pool`."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from antiphon.cli.being_sure import YesFlag, confirm, may_ask, must_ask
from antiphon.cli.completing import complete_work_pools
from antiphon.cli.exit_codes import print_note
from antiphon.cli.job_template_command import get_default_base_job_template
from antiphon.cli.limit_output import print_limit_in_use
from antiphon.cli.output import JsonFlag, show, show_list, tell
from antiphon.cli.profile_in_use import put_into_profile, warn_of_environment
from antiphon.cli.work_lookup import find_pool, queues_of, scheduled_runs, slots_of
from antiphon.cli.work_options import HoursOption, LimitArgument, MostOption, PoolLimitOption, VerboseFlag
from antiphon.cli.work_tables import limit_words, pool_page, pools_table, upcoming_table
from antiphon.exceptions import ObjectAlreadyExists
from antiphon.service_client import ServiceClient
from antiphon.v1.work_pool_pb2 import WorkPool
from antiphon.v1.work_pool_service_pb2 import (
    CreateWorkPoolRequest,
    CreateWorkPoolResponse,
    DeleteWorkPoolRequest,
    ListWorkPoolsRequest,
    UpdateWorkPoolRequest,
    UpdateWorkPoolResponse,
)

app = typer.Typer(
    name="work-pool", add_completion=False, help="Pools of work for workers of one type.", no_args_is_help=True
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of a work pool.", autocompletion=complete_work_pools)
]
_DEFAULT_TYPE = "process"
_DEFAULT_POOL_SETTING = "ANTIPHON_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME"
_ALL_FIELDS = ["type", "paused", "concurrency_limit", "description", "base_job_template"]
DescriptionOption = Annotated[str | None, typer.Option("--description", "-d", help="What it is for.")]
TemplateOption = Annotated[
    Path | None,
    typer.Option(
        "--base-job-template",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="How its workers make what runs a run: a file with a JSON object.",
    ),
]


@app.callback()
def group() -> None:
    """Pools of work for workers of one type."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it shall be called.")],
    kind: Annotated[
        str | None, typer.Option("--type", "-t", help="Which workers take from it, such as process.")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Workers get nothing before it is resumed.")] = False,
    limit: PoolLimitOption = None,
    description: DescriptionOption = None,
    base_job_template: TemplateOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Where there is one of this name, make it so.")
    ] = False,
    set_as_default: Annotated[
        bool, typer.Option("--set-as-default", help="Deployments that name no work pool get it, by the profile in use.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a work pool. Asks for --type where it is missing and there is a terminal.

    With --json: the antiphon.v1.WorkPool.
    """
    wanted = WorkPool(
        name=name,
        type=kind or _asked_type(),
        paused=paused,
        concurrency_limit=limit,
        description=description or "",
        base_job_template=_read(base_job_template) if base_job_template is not None else "",
    )
    with ServiceClient() as client:
        try:
            response: CreateWorkPoolResponse = client.call(
                client.work_pools.CreateWorkPool, CreateWorkPoolRequest(work_pool=wanted)
            )
            made, verb = response.work_pool, "is made"
        except ObjectAlreadyExists as error:
            if not overwrite:
                raise error.in_other_words(
                    f"There is a work pool {name!r} already. Make it so with --overwrite, or see `antiphon work-pool"
                    f" inspect {name}`."
                ) from error
            made, verb = _change(client, name, wanted, _ALL_FIELDS), "is made so"
    tell(made, f"The work pool {made.name} of type {made.type} {verb}.", as_json=as_json)
    if set_as_default:
        profile = put_into_profile({_DEFAULT_POOL_SETTING: made.name})
        print_note(f"Deployments that name no work pool get {made.name} from now on, by profile {profile}.")
        warn_of_environment([_DEFAULT_POOL_SETTING])


def _asked_type() -> str:
    if not may_ask():
        raise typer.BadParameter("Give --type, such as process: nobody can be asked here.")
    answer: str = typer.prompt("Which workers shall take from it? Type", default=_DEFAULT_TYPE, err=True)
    return answer


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}.") from None


app.command("get-default-base-job-template")(get_default_base_job_template)


@app.command("ls")
def list_pools(
    filter_text: Annotated[str, typer.Option("--filter", help="Which, such as 'type = \"process\"'.")] = "",
    limit: MostOption = 100,
    verbose: VerboseFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """List work pools by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.WorkPool.
    """
    with ServiceClient() as client:
        request = ListWorkPoolsRequest(filter=filter_text, order_by="name")
        pools = list(client.pages(client.work_pools.ListWorkPools, request, "work_pools", limit=limit))
    table = partial(pools_table, verbose=verbose)
    show_list(pools, table, "No work pools. `antiphon work-pool create NAME` makes one.", as_json=as_json)


@app.command()
def inspect(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Show all about a work pool, and its queues. With --json: the antiphon.v1.WorkPool."""
    with ServiceClient() as client:
        pool = find_pool(client, name)
        queues = [] if as_json else queues_of(client, pool)
    show(pool, lambda: pool_page(pool, queues, datetime.now(UTC)), as_json=as_json)


@app.command()
def update(
    name: NameArgument,
    limit: PoolLimitOption = None,
    kind: Annotated[str | None, typer.Option("--type", "-t", help="Which workers take from it.")] = None,
    description: DescriptionOption = None,
    base_job_template: TemplateOption = None,
    new_name: Annotated[str | None, typer.Option("--name", help="What it is called from now on.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a work pool. With --json: the antiphon.v1.WorkPool as it is now."""
    given: dict[str, Any] = {
        "concurrency_limit": limit,
        "type": kind,
        "name": new_name,
        "description": description,
        "base_job_template": _read(base_job_template) if base_job_template is not None else None,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Say what to change, such as --concurrency-limit or --description.")
    with ServiceClient() as client:
        pool = _change(client, name, WorkPool(**changes), list(changes))
    words = f"The work pool {pool.name} is of type {pool.type}, its limit: {limit_words(pool)}."
    tell(pool, words, as_json=as_json)


@app.command()
def pause(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Have workers get no runs of a work pool; what runs goes on. With --json: the antiphon.v1.WorkPool."""
    with ServiceClient() as client:
        pool = _change(client, name, WorkPool(paused=True), ["paused"])
    tell(pool, f"The work pool {pool.name} is paused.", as_json=as_json)


@app.command()
def resume(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Have workers get the runs of a work pool again. With --json: the antiphon.v1.WorkPool."""
    with ServiceClient() as client:
        pool = _change(client, name, WorkPool(paused=False), ["paused"])
    tell(pool, f"The work pool {pool.name} is active.", as_json=as_json)


@app.command("set-concurrency-limit")
def set_concurrency_limit(name: NameArgument, concurrency_limit: LimitArgument, as_json: JsonFlag = False) -> None:
    """Limit how many runs of a work pool are under way at once. With --json: the antiphon.v1.WorkPool."""
    with ServiceClient() as client:
        pool = _change(client, name, WorkPool(concurrency_limit=concurrency_limit), ["concurrency_limit"])
    tell(
        pool,
        f"At most {concurrency_limit} runs of the work pool {pool.name} are under way at once now.",
        as_json=as_json,
    )


@app.command("clear-concurrency-limit")
def clear_concurrency_limit(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Take the limit of a work pool away. With --json: the antiphon.v1.WorkPool."""
    with ServiceClient() as client:
        pool = _change(client, name, WorkPool(), ["concurrency_limit"])
    tell(pool, f"The work pool {pool.name} has no limit any more.", as_json=as_json)


@app.command()
def slots(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Show who holds the slots of a work pool and who waits for one.

    With --json: an object with `concurrency_limit` (antiphon.v1.ConcurrencyLimit), `slots` (an array of
    antiphon.v1.Slot) and `slot_waiters` (an array of antiphon.v1.SlotWaiter).
    """
    with ServiceClient() as client:
        found = slots_of(client, "work-pool", find_pool(client, name))
    print_limit_in_use(found, as_json=as_json)


@app.command()
def preview(
    name: NameArgument,
    hours: HoursOption = None,
    limit: MostOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """List the runs that wait in the queues of a work pool, the next one first.

    With --json: an array of antiphon.v1.FlowRun.
    """
    with ServiceClient() as client:
        pool = find_pool(client, name)
        runs = scheduled_runs(client, queues_of(client, pool), hours, limit)
    show_list(runs, upcoming_table, f"No runs wait in the work pool {pool.name}.", as_json=as_json)


@app.command()
def delete(name: NameArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a work pool with its queues; runs that wait in them stay and no worker takes them.

    Asks first; where there is no terminal, --yes is needed. With --json: the antiphon.v1.WorkPool as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        pool = find_pool(client, name)
        if asks:
            confirm(f"Delete the work pool {name} with {len(queues_of(client, pool))} queues?")
        client.call(client.work_pools.DeleteWorkPool, DeleteWorkPoolRequest(id=pool.id))
    tell(pool, f"The work pool {name} and its queues are deleted.", as_json=as_json)


def _change(client: ServiceClient, name: str, wanted: WorkPool, fields: list[str]) -> WorkPool:
    wanted.id = find_pool(client, name).id
    request = UpdateWorkPoolRequest(work_pool=wanted, update_mask=FieldMask(paths=fields))
    response: UpdateWorkPoolResponse = client.call(client.work_pools.UpdateWorkPool, request)
    return response.work_pool
