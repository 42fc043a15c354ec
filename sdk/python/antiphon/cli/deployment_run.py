"""`antiphon deployment run`."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from antiphon.cli.deployment_arguments import IdOption, MaybeDeploymentArgument
from antiphon.cli.deployment_lookup import find_deployment, full_name
from antiphon.cli.output import JsonFlag, make_console, print_json, to_json
from antiphon.cli.run_words import state_word, when_words
from antiphon.cli.spoken_times import moment_of, span_of, to_timestamp
from antiphon.cli.typed_values import ParamOption, ParamsOption, pairs_of, parameters_of
from antiphon.cli.watch_command import watch_flow_run
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import RunDeploymentRequest, RunDeploymentResponse


def run(
    name: MaybeDeploymentArgument = None,
    id: IdOption = None,
    param: ParamOption = None,
    params: ParamsOption = None,
    job_variable: Annotated[
        list[str] | None,
        typer.Option(
            "--job-variable", "-jv", metavar="NAME=VALUE", help="A value for the job template; may be repeated."
        ),
    ] = None,
    start_in: Annotated[
        str | None, typer.Option("--start-in", metavar="SPAN", help="Start after this time, such as 90s or '1h 30m'.")
    ] = None,
    start_at: Annotated[
        str | None,
        typer.Option(
            "--start-at", metavar="TIME", help="Start then: '2026-03-29 14:30', 14:30, 'tomorrow 9am'; local time."
        ),
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag besides the deployment's; repeatable.")] = None,
    flow_run_name: Annotated[str, typer.Option("--flow-run-name", help="The run's name; one is drawn for none.")] = "",
    idempotency_key: Annotated[
        str, typer.Option("--idempotency-key", help="Where a run of the flow has this key, that run is the answer.")
    ] = "",
    work_queue: Annotated[
        str, typer.Option("--work-queue", "-q", help="Another queue of the deployment's work pool.")
    ] = "",
    priority: Annotated[
        int, typer.Option("--priority", help="Among runs that wait for one slot, a higher one is first.")
    ] = 0,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run until it ends.")] = False,
    watch_timeout: Annotated[
        float | None, typer.Option("--watch-timeout", min=0, help="Seconds to follow it; the run goes on after them.")
    ] = None,
    watch_interval: Annotated[
        float | None, typer.Option("--watch-interval", help="Has no effect: the server tells at once.", hidden=True)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a run of a deployment, for a worker to take.

    With --json: the antiphon.v1.FlowRun; with --watch too, one antiphon.v1.WatchFlowRunResponse a line. With --watch,
    exits as `antiphon flow-run watch` does: 0 if the run COMPLETED, 1 if it FAILED or CRASHED or did not end in time, 5
    if it was CANCELLED.
    """
    if (name is None) == (id is None):
        raise typer.BadParameter("Say what to run: a DEPLOYMENT as FLOW/NAME, or its --id.")
    if watch_timeout is not None and not watch:
        raise typer.BadParameter("--watch-timeout has a meaning with --watch only.")
    request = RunDeploymentRequest(
        parameters=parameters_of(param or [], params),
        flow_run_name=flow_run_name,
        tags=tags or (),
        idempotency_key=idempotency_key,
        work_queue_name=work_queue,
        priority=priority,
        job_variables=json.dumps(pairs_of(job_variable, "--job-variable")) if job_variable else "",
        request_id=new_id(),
    )
    moment = _start(start_in, start_at)
    if moment is not None:
        request.scheduled_time.CopyFrom(to_timestamp(moment))
    with ServiceClient() as client:
        found = find_deployment(client, name or id or "")
        request.id = found.id
        answer = client.call(client.deployments.RunDeployment, request)
        if not as_json:
            make_console().print(_words(found, answer, watch), markup=False, soft_wrap=True)
        elif not watch:
            print_json(to_json(answer.flow_run))
        if watch:
            raise typer.Exit(watch_flow_run(client, answer.flow_run, as_json=as_json, timeout=watch_timeout))


def _start(start_in: str | None, start_at: str | None) -> datetime | None:
    if start_in is not None and start_at is not None:
        raise typer.BadParameter("Give --start-in or --start-at, not both.")
    if start_in is not None:
        return datetime.now(UTC) + span_of(start_in, "--start-in")
    return moment_of(start_at, "--start-at") if start_at is not None else None


def _words(deployment: Deployment, answer: RunDeploymentResponse, watch: bool) -> str:
    run = answer.flow_run
    what = f"Flow run {run.name} ({run.id}) of {full_name(deployment)}"
    if not answer.created:
        return f"{what} has this idempotency key and is {state_word(run)}; no other was made."
    starts = when_words(run.next_scheduled_start_time, datetime.now(UTC))
    says = f"{what} is {state_word(run)} for {starts}."
    if not deployment.work_queue_id:
        says += "\nThe deployment has no work queue, so no worker takes it by itself."
    return says if watch else f"{says}\nFollow it with `antiphon flow-run watch {run.id}`."
