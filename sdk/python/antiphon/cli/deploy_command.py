"""`antiphon deploy`."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon.cli.being_sure import YesFlag, may_ask
from antiphon.cli.deploy_choice import chosen, project_file
from antiphon.cli.deploy_options import DeployOptions, refuse_unsupported
from antiphon.cli.deploy_report import Outcome, outcome_json, outcome_lines
from antiphon.cli.exit_codes import ERROR, exit_code_of, print_error
from antiphon.cli.output import JsonFlag, make_console, print_json
from antiphon.cli.prompting import ask_which
from antiphon.cli.schedule_options import AnchorOption
from antiphon.cli.typed_values import ParamsOption
from antiphon.deployments.applying import requested, sent
from antiphon.deployments.changes import changes
from antiphon.deployments.entries import Chosen, Maker
from antiphon.engine.dual import perform
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import DeploymentName, GetDeploymentRequest
from antiphon.v1.work_pool_service_pb2 import ListWorkPoolsRequest

app = typer.Typer(name="deploy", add_completion=False)

#: Mistakes in what people wrote: files, arguments of steps, storages.
_MISTAKES = (AntiphonException, ValueError, TypeError, RuntimeError, OSError, ImportError)

_ENTRYPOINT = typer.Argument(metavar="ENTRYPOINT", help="A flow, such as flows.py:my_flow.", show_default=False)
_NAMES = typer.Option("--name", "-n", help="Of a deployment; patterns such as 'etl/*' take those of the file.")
_CRON = typer.Option("--cron", help="A schedule, such as '0 3 * * *'; may be given again, as all of these.")
_INTERVAL = typer.Option("--interval", metavar="SPAN", help="A schedule: seconds, or such as '1h 30m'.")
_VARIABLE = typer.Option("--job-variable", help="NAME=VALUE, or a JSON object, for the pool's job template.")
_STRATEGY = typer.Option("--collision-strategy", help="ENQUEUE or CANCEL_NEW: of a run that finds no slot.")
_FILE = typer.Option("--antiphon-file", "--prefect-file", help="The project file in place of antiphon.yaml.")
_ENFORCE = typer.Option(
    "--enforce-parameter-schema/--no-enforce-parameter-schema", help="Whether arguments have to fit the flow."
)


@app.command("deploy")
def deploy(
    entrypoint: Annotated[str | None, _ENTRYPOINT] = None,
    names: Annotated[list[str] | None, _NAMES] = None,
    description: Annotated[str | None, typer.Option("--description", "-d", help="What it is for.")] = None,
    version_type: Annotated[str | None, typer.Option("--version-type", help="Such as vcs:git.")] = None,
    version: Annotated[str | None, typer.Option("--version", help="What it is called now.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", "-t", help="A word to find it by.")] = None,
    limit: Annotated[int | None, typer.Option("--concurrency-limit", min=0, help="Runs at once.")] = None,
    collision_strategy: Annotated[str | None, _STRATEGY] = None,
    pool: Annotated[str | None, typer.Option("--pool", "-p", help="Its work pool.")] = None,
    work_queue: Annotated[str | None, typer.Option("--work-queue", "-q", help="A queue of that.")] = None,
    job_variables: Annotated[list[str] | None, _VARIABLE] = None,
    crons: Annotated[list[str] | None, _CRON] = None,
    intervals: Annotated[list[str] | None, _INTERVAL] = None,
    anchor_date: AnchorOption = None,
    rrules: Annotated[list[str] | None, typer.Option("--rrule", help="A schedule, by RFC 5545.")] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help="Of the schedules, as Europe/Berlin.")] = None,
    triggers: Annotated[list[str] | None, typer.Option("--trigger", hidden=True)] = None,
    params: Annotated[list[str] | None, typer.Option("--param", help="An argument, as NAME=VALUE.")] = None,
    params_json: ParamsOption = None,
    enforce_parameter_schema: Annotated[bool | None, _ENFORCE] = None,
    take_all: Annotated[bool, typer.Option("--all", help="All deployments of the project file.")] = False,
    file: Annotated[Path | None, _FILE] = None,
    slas: Annotated[list[str] | None, typer.Option("--sla", hidden=True)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change; no step is done.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make deployments, or change those that are there: of the antiphon.yaml here, or of a flow that is named.

    Options come before what the file says, and are for one deployment. Where one of several fails, the others are made
    and the exit code is its own. With --json: an array of objects with `name`, `status` (created, changed, unchanged,
    failed; would_create, would_change or would_not_change with --dry-run), `changes` (objects with `field`, `before`
    and `after`), `deployment` (antiphon.v1.Deployment) and `error`.
    """
    refuse_unsupported(triggers, slas)
    options = DeployOptions(
        description=description,
        version=version,
        version_type=version_type,
        tags=tags or [],
        concurrency_limit=limit,
        collision_strategy=collision_strategy,
        pool=pool,
        work_queue=work_queue,
        job_variables=job_variables or [],
        crons=crons or [],
        intervals=intervals or [],
        rrules=rrules or [],
        anchor_date=anchor_date,
        timezone=timezone,
        params=params or [],
        params_json=params_json,
        enforce_parameter_schema=enforce_parameter_schema,
    )
    wanted = chosen(project_file(file, yes), entrypoint, names or [], take_all, yes)
    if len(wanted) > 1 and options.any_given():
        raise typer.BadParameter(f"{len(wanted)} deployments are meant, and options are for one. Put them in the file.")
    for each in wanted:
        each.entry = options.over(each.entry)
    maker = Maker(print, dry_run)
    code, outcomes = 0, []
    with ServiceClient() as client:
        for each in wanted:
            outcome, failed = _deployed(client, maker, each, dry_run, may_ask(yes) and len(wanted) == 1)
            code = code or failed
            outcomes.append(outcome)
            if not as_json:
                _print(outcome)
    if as_json:
        print_json([outcome_json(each) for each in outcomes])
    raise typer.Exit(code)


def _print(outcome: Outcome) -> None:
    console = make_console()
    for line in outcome_lines(outcome):
        console.print(line, markup=False, soft_wrap=True)


def _deployed(client: ServiceClient, maker: Maker, each: Chosen, dry_run: bool, ask: bool) -> tuple[Outcome, int]:
    """What became of one, and the exit code of its error."""
    name = each.name
    try:
        if ask:
            _ask_for_pool(client, each)
        # What steps and the flow's file print is no answer.
        with redirect_stdout(sys.stderr):
            deployment = perform(maker.made(each))
        name = deployment.full_name
        request = perform(requested(deployment))
        before = _existing(client, deployment.flow_name, deployment.name)
        found = changes(before, request)
        if dry_run:
            status = "would_create" if before is None else "would_change" if found else "would_not_change"
            return Outcome(name, status, found), 0
        answer = perform(sent(request))
    except _MISTAKES as error:
        print_error(f"{name or 'A deployment'}: {error}")
        code = exit_code_of(error) if isinstance(error, AntiphonException) else ERROR
        return Outcome(name, "failed", [], error=str(error)), code
    status = "created" if answer.created else "changed" if found else "unchanged"
    return Outcome(name, status, found, answer.deployment), 0


def _ask_for_pool(client: ServiceClient, each: Chosen) -> None:
    """At a terminal a deployment without a work pool is asked for one."""
    said: Any = each.entry.get("work_pool")
    if (isinstance(said, dict) and said.get("name")) or get_current_settings().deployments.default_work_pool_name:
        return
    pools = [pool.name for pool in client.pages(client.work_pools.ListWorkPools, ListWorkPoolsRequest(), "work_pools")]
    if pools:
        each.entry["work_pool"] = {**(said or {}), "name": ask_which("Which work pool?", sorted(pools))}


def _existing(client: ServiceClient, flow_name: str, name: str) -> Deployment | None:
    request = GetDeploymentRequest(name=DeploymentName(flow_name=flow_name, name=name))
    try:
        found: Deployment = client.call(client.deployments.GetDeployment, request).deployment
    except ObjectNotFound:
        return None
    return found
