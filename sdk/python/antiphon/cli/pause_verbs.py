"""`antiphon flow-run pause`, `suspend` and `resume`."""

import json
from typing import Annotated

import typer

from antiphon.cli.asked_words import asked_words
from antiphon.cli.exit_codes import print_note
from antiphon.cli.output import JsonFlag, make_console, print_json, to_json
from antiphon.cli.run_lookup import RunArgument, find_flow_run
from antiphon.cli.run_words import state_word
from antiphon.exceptions import ServerError
from antiphon.payloads import JSON, make_payload
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import (
    GetFlowRunRequest,
    GetFlowRunResponse,
    PauseFlowRunRequest,
    PauseFlowRunResponse,
    ResumeFlowRunRequest,
    ResumeFlowRunResponse,
    SuspendFlowRunRequest,
    SuspendFlowRunResponse,
)
from antiphon.v1.state_pb2 import StateType

TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", min=0, help="Seconds after which it fails unless it was resumed.")
]
KeyOption = Annotated[str, typer.Option("--key", help="A run pauses at most once for one key.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Kept as the message of the run's state.")]


def pause(
    run: RunArgument,
    timeout: TimeoutOption = None,
    key: KeyOption = "",
    reason: ReasonOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Pause a flow run: no task of it starts, and it does not end, before it is resumed.

    With --json: the antiphon.v1.FlowRun as it is now.
    """
    with ServiceClient() as client:
        request = PauseFlowRunRequest(id=find_flow_run(client, run).id, pause_key=key, reason=reason)
        _limit(request, timeout)
        response: PauseFlowRunResponse = client.call(client.flow_runs.PauseFlowRun, request)
    _tell(response.flow_run, as_json)


def suspend(
    run: RunArgument,
    timeout: TimeoutOption = None,
    key: KeyOption = "",
    reason: ReasonOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Suspend a flow run that came from a deployment: its process ends, and resuming it has it started again.

    With --json: the antiphon.v1.FlowRun as it is now.
    """
    with ServiceClient() as client:
        request = SuspendFlowRunRequest(id=find_flow_run(client, run).id, pause_key=key, reason=reason)
        _limit(request, timeout)
        response: SuspendFlowRunResponse = client.call(client.flow_runs.SuspendFlowRun, request)
    _tell(response.flow_run, as_json)


def resume(
    run: RunArgument,
    input_text: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="The answer, where the pause asks for one.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Have a paused or suspended flow run go on.

    With --json: the antiphon.v1.FlowRun as it is now; PAUSED still, and `resuming`, where its process is to go on.
    """
    _check_json(input_text)
    with ServiceClient() as client:
        request = ResumeFlowRunRequest(id=find_flow_run(client, run).id)
        if input_text is not None:
            request.input.CopyFrom(make_payload(JSON, input_text.encode()))
        try:
            response: ResumeFlowRunResponse = client.call(client.flow_runs.ResumeFlowRun, request)
        except ServerError as error:
            if error.reason == "INPUT_INVALID" and not as_json:
                _tell_what_is_asked(client, request.id)
            raise
    _tell(response.flow_run, as_json)


def _limit(request: PauseFlowRunRequest | SuspendFlowRunRequest, timeout: float | None) -> None:
    if timeout is not None:
        request.timeout.FromMilliseconds(round(timeout * 1000))


def _check_json(text: str | None) -> None:
    try:
        if text is not None:
            json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--input is no JSON: {error}. A text has quotes of its own: '\"yes\"'.") from None


def _tell_what_is_asked(client: ServiceClient, run_id: str) -> None:
    response: GetFlowRunResponse = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=run_id))
    asked = asked_words(response.flow_run)
    if asked:
        print_note(f"The run asks for an --input of:\n{asked}")


def _tell(run: FlowRun, as_json: bool) -> None:
    if as_json:
        print_json(to_json(run))
        return
    goes_on = (
        " and goes on as soon as its process can"
        if run.state.type == StateType.STATE_TYPE_PAUSED and run.resuming
        else ""
    )
    make_console().print(f"Flow run {run.name} ({run.id}) is {state_word(run)} now{goes_on}.", markup=False)
