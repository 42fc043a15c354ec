"""`antiphon flow-run cancel`, `delete`, `retry` and `set-state`: for runs that are named, or for all of a filter."""

import importlib
from typing import Annotated, Any

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.output import JsonFlag
from antiphon.cli.run_choice import (
    AllFlag,
    Choice,
    DryRunFlag,
    FilterOption,
    RunsArgument,
    do_bulk,
    do_each,
)
from antiphon.cli.run_lookup import find_flow_run, state_type_of
from antiphon.cli.run_words import is_terminal, state_word
from antiphon.cli.wrong_usage import wrong_usage
from antiphon.exceptions import AntiphonException
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import (
    BulkCancelFlowRunsRequest,
    BulkDeleteFlowRunsRequest,
    BulkRetryFlowRunsRequest,
    BulkSetFlowRunStateRequest,
    CancelFlowRunRequest,
    CancelFlowRunResponse,
    DeleteFlowRunRequest,
    GetFlowRunRequest,
    GetFlowRunResponse,
)
from antiphon.v1.state_pb2 import State, StateType
from antiphon.v1.transition_pb2 import Proposal, VerdictKind
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest

_AWAITING_RETRY = State(type=StateType.STATE_TYPE_SCHEDULED, name="AwaitingRetry")


class VerbRefused(AntiphonException):
    """A flow run did not do what was asked."""


def cancel(
    runs: RunsArgument = None,
    filter_text: FilterOption = None,
    all_runs: AllFlag = False,
    reason: Annotated[str, typer.Option("--reason", help="Kept as the message of the runs' states.")] = "",
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask flow runs to stop.

    With --json: the antiphon.v1.FlowRun as it is now, or an array of several; with --filter the antiphon.v1.Operation.
    With --filter, exits with 1 if any flow run refused and with 5 if the operation was cancelled.
    """
    choice = Choice(runs or [], filter_text, all_runs, dry_run, yes, as_json)

    def cancel_one(run: FlowRun) -> FlowRun:
        request = CancelFlowRunRequest(id=run.id, reason=reason)
        response: CancelFlowRunResponse = client.call(client.flow_runs.CancelFlowRun, request)
        return response.flow_run

    with ServiceClient() as client:
        if choice.runs:
            code = do_each(client, choice, cancel_one, _is_now)
        else:
            bulk = BulkCancelFlowRunsRequest(reason=reason)
            code = do_bulk(client, choice, "Cancel", client.flow_runs.BulkCancelFlowRuns, bulk)
    raise typer.Exit(code)


def delete(
    runs: RunsArgument = None,
    filter_text: FilterOption = None,
    all_runs: AllFlag = False,
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete flow runs with all that belongs to them. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.FlowRun as it was, or an array of several; with --filter the antiphon.v1.Operation.
    With --filter, exits with 1 if any flow run refused and with 5 if the operation was cancelled.
    """
    choice = Choice(runs or [], filter_text, all_runs, dry_run, yes, as_json, grave=True)
    asks = not choice.dry_run and must_ask(choice.yes)

    def delete_one(run: FlowRun) -> FlowRun:
        client.call(client.flow_runs.DeleteFlowRun, DeleteFlowRunRequest(id=run.id))
        return run

    with ServiceClient() as client:
        if choice.runs:
            if asks:
                found = [find_flow_run(client, reference) for reference in choice.runs]
                confirm(f"Delete {', '.join(f'{run.name} ({run.id})' for run in found)}?")
            code = do_each(client, choice, delete_one, lambda run: f"Flow run {run.name} ({run.id}) is deleted.")
        else:
            bulk = BulkDeleteFlowRunsRequest()
            code = do_bulk(client, choice, "Delete", client.flow_runs.BulkDeleteFlowRuns, bulk)
    raise typer.Exit(code)


def retry(
    runs: RunsArgument = None,
    filter_text: FilterOption = None,
    all_runs: AllFlag = False,
    dry_run: DryRunFlag = False,
    entrypoint: Annotated[
        str | None,
        typer.Option(
            "--entrypoint", "-e", help="Run it here, by this flow, such as flows.py:my_flow; for one flow run."
        ),
    ] = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Have flow runs that have ended scheduled once more, for now; one of no deployment is run here by --entrypoint.

    With --json: the antiphon.v1.FlowRun as it is now, or an array of several; with --filter the antiphon.v1.Operation.
    With --filter, exits with 1 if any flow run refused and with 5 if the operation was cancelled. With --entrypoint,
    exits as `antiphon flow-run execute` does.
    """
    choice = Choice(runs or [], filter_text, all_runs, dry_run, yes, as_json)
    if entrypoint is not None:
        if len(choice.runs) != 1 or as_json:
            raise typer.BadParameter("--entrypoint runs one flow run here: name one, without --json.")
        raise typer.Exit(_retry_here(choice.runs[0], entrypoint))
    with ServiceClient() as client:
        if choice.runs:
            code = do_each(client, choice, lambda run: _retried(client, run), _is_now)
        else:
            bulk = BulkRetryFlowRunsRequest()
            code = do_bulk(client, choice, "Retry", client.flow_runs.BulkRetryFlowRuns, bulk)
    raise typer.Exit(code)


def _retry_here(name: str, entrypoint: str) -> int:
    """The exit code of the run, whose code is here."""
    # Loaded where they are needed: other commands of the group have no use for flows.
    loading: Any = importlib.import_module("antiphon.flow_loading")
    process: Any = importlib.import_module("antiphon.flow_run_process")
    with wrong_usage():
        flow = loading.load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    with ServiceClient() as client:
        run = find_flow_run(client, name)
        if flow.name != run.flow_name:
            raise VerbRefused(
                f"Flow run {run.name} ({run.id}) is of {run.flow_name!r}, and {entrypoint} is {flow.name!r}."
            )
        _retried(client, run, force=not run.deployment_id)
    code: int = process.execute_flow_run(run.id, flow=flow)
    return code


def _retried(client: ServiceClient, run: FlowRun, *, force: bool = False) -> FlowRun:
    if not is_terminal(run):
        raise VerbRefused(
            f"Flow run {run.name} ({run.id}) has not ended ({state_word(run)}), so there is nothing to retry."
        )
    return _propose(client, run, _AWAITING_RETRY, force=force)


def set_state(
    state: Annotated[str, typer.Argument(metavar="STATE", help="A type of state, such as FAILED.")],
    runs: RunsArgument = None,
    filter_text: FilterOption = None,
    all_runs: AllFlag = False,
    name: Annotated[str, typer.Option("--name", help="The state's name, where it is not the type's own.")] = "",
    message: Annotated[str, typer.Option("--message", help="The state's message.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Pass the rules by that may be passed by.")] = False,
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Propose a state for flow runs.

    With --json: the antiphon.v1.FlowRun as it is now, or an array of several; with --filter the antiphon.v1.Operation.
    With --filter, exits with 1 if any flow run refused and with 5 if the operation was cancelled.
    """
    choice = Choice(runs or [], filter_text, all_runs, dry_run, yes, as_json)
    wanted = State(type=state_type_of(state), name=name, message=message)
    with ServiceClient() as client:
        if choice.runs:
            code = do_each(client, choice, lambda run: _propose(client, run, wanted, force=force), _is_now)
        else:
            bulk = BulkSetFlowRunStateRequest(state=wanted, force=force)
            verb = f"Set {name or state.upper()} for"
            code = do_bulk(client, choice, verb, client.flow_runs.BulkSetFlowRunState, bulk)
    raise typer.Exit(code)


def _propose(client: ServiceClient, run: FlowRun, state: State, *, force: bool = False) -> FlowRun:
    """Propose a state and return the run as it is then. Raises VerbRefused with the policy's reason."""
    proposal = Proposal(transition_id=new_id(), flow_run_id=run.id, state=state, force=force)
    request = ProposeTransitionRequest(proposal=proposal)
    verdict = client.call(client.transitions.ProposeTransition, request).verdict
    # Where nobody holds a run, the answer to CANCELLING is CANCELLED, which is what was wanted.
    stops = state.type == StateType.STATE_TYPE_CANCELLING and verdict.state.type == StateType.STATE_TYPE_CANCELLED
    if verdict.kind != VerdictKind.VERDICT_KIND_ACCEPT and not stops:
        held = verdict.state.name or "without a state"
        raise VerbRefused(f"Flow run {run.name} ({run.id}) is {held}, not as asked: {verdict.reason}")
    response: GetFlowRunResponse = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=run.id))
    return response.flow_run


def _is_now(run: FlowRun) -> str:
    return f"Flow run {run.name} ({run.id}) is {state_word(run)} now."
