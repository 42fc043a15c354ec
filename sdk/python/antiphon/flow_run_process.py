"""A process for one flow run: `python -m antiphon.engine`, which workers start, and `antiphon flow-run execute`."""

import os
import sys
import traceback
from contextlib import suppress
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from antiphon.deployed_code import deployment_of_run, facts_of, load_deployed_flow
from antiphon.engine.claimed_flow import changes_of, claimed_call, run_claimed
from antiphon.engine.flow_life import FlowCall
from antiphon.engine.proposals import is_accepted, propose_flow_run
from antiphon.exceptions import AntiphonException, AntiphonSignal, ServerError
from antiphon.logging import setup_logging
from antiphon.logging.run_loggers import flow_run_logger
from antiphon.patient_client import PatientClient
from antiphon.payloads import decode
from antiphon.run_environment import BROKEN_OFF, CLAIMED_FD, FENCING_TOKEN, FLOW_RUN_ID, NOT_OURS
from antiphon.service_client import ServiceClient
from antiphon.session.registry import get_session
from antiphon.state_core import State, StateType
from antiphon.telemetry.tracing import look_at_environment
from antiphon.text_limits import clip_characters
from antiphon.v1 import flow_run_pb2, flow_run_service_pb2, task_run_service_pb2

#: Of a state's message.
_MAX_MESSAGE = 10_000


def main() -> int:
    """Run the flow run that the environment names, and return the exit code."""
    flow_run_id = os.environ.pop(FLOW_RUN_ID, "")
    token = os.environ.pop(FENCING_TOKEN, "0")
    if not flow_run_id or not token.isdecimal():
        print(
            f"This program runs the flow run that {FLOW_RUN_ID} names, and is started by workers. To run one by hand: "
            "antiphon flow-run execute ID",
            file=sys.stderr,
        )
        return BROKEN_OFF
    try:
        return execute_flow_run(flow_run_id, int(token))
    except AntiphonException as error:
        print(f"The flow run {flow_run_id} cannot be run: {error}", file=sys.stderr)
        return BROKEN_OFF


def execute_flow_run(flow_run_id: str, fencing_token: int = 0, flow: Any = None) -> int:
    """Run a flow run of a deployment in this process, or any with its `flow`, and return the exit code: 0 where it came
    to an end of its own, however that is, or was suspended.

    `fencing_token` is that of the claim which a worker has made for it; with 0 it is claimed here. Raises
    ObjectNotFound, ServerUnreachable.
    """
    setup_logging()
    look_at_environment()
    session = get_session()  # It connects while the code is looked for.
    with PatientClient() as client:
        run = client.call(client.flow_runs.GetFlowRun, flow_run_service_pb2.GetFlowRunRequest(id=flow_run_id)).flow_run
        if (why := _why_not(run, fencing_token)) is not None:
            flow_run_logger(run).warning("Flow run %r does not begin here: %s", run.name, why)
            return NOT_OURS
        try:
            call = _call_of(client, run, fencing_token, session, flow)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the code raises is said in the run's state
            return _not_begun(session, run, fencing_token, error)
    return _lived(call)


def _why_not(run: flow_run_pb2.FlowRun, token: int) -> str | None:
    """Why a run is not to be begun here; None where it is. The server has the last word."""
    if token not in (0, run.fencing_token):
        return "it was claimed anew since"
    if run.HasField("end_time"):
        return f"it has ended as {run.state.name}; to run it again: antiphon flow-run retry {run.id}"
    return None


def _call_of(client: ServiceClient, run: flow_run_pb2.FlowRun, token: int, session: Any, flow: Any) -> FlowCall:
    deployment = deployment_of_run(client, run) if run.deployment_id else None
    if flow is None:
        if deployment is None:
            raise AntiphonException(
                f"The flow run {run.name!r} is of no deployment, so nobody knows where its code is. Run its flow by "
                "calling it, or make a deployment of it and run that."
            )
        flow = load_deployed_flow(deployment, flow_run_logger(run).debug)
    call = claimed_call(
        flow,
        run,
        decode(run.parameters) if run.HasField("parameters") else {},
        session,
        token=token,
        deployment=facts_of(deployment, run) if deployment is not None else None,
        parent_flow_run_id=_parent_of(client, run),
        begun=_say_claimed,
    )
    changed, fields = changes_of(call, run)
    if fields:
        request = flow_run_service_pb2.UpdateFlowRunRequest(flow_run=changed, update_mask=FieldMask(paths=fields))
        client.call(client.flow_runs.UpdateFlowRun, request)
    return call


def _parent_of(client: ServiceClient, run: flow_run_pb2.FlowRun) -> str | None:
    if not run.parent_task_run_id:
        return None
    request = task_run_service_pb2.GetTaskRunRequest(id=run.parent_task_run_id)
    return client.call(client.task_runs.GetTaskRun, request).task_run.flow_run_id or None


def _say_claimed() -> None:
    """To the worker, which may be gone."""
    descriptor = os.environ.pop(CLAIMED_FD, "")
    if descriptor.isdecimal():
        with suppress(OSError):
            os.write(int(descriptor), b"1")
            os.close(int(descriptor))


def _not_begun(session: Any, run: flow_run_pb2.FlowRun, token: int, error: BaseException) -> int:
    """The code is not there, or raises before there is a flow: the run is CRASHED, and says why."""
    cause = getattr(error, "user_exc", None) or error
    logger = flow_run_logger(run)
    logger.error("The flow of this run cannot be had: %s", error, exc_info=cause)
    trace = "".join(traceback.format_exception(cause))
    message = clip_characters(f"The flow of this run cannot be had: {error}\n\n{trace}", _MAX_MESSAGE)
    proposal = propose_flow_run(run.id, State(StateType.CRASHED, message=message), token=token)
    try:
        verdict = session.submit(proposal)[0].result()
    except ServerError as problem:
        logger.error("The server could not be told: %s", problem)
        return BROKEN_OFF
    return BROKEN_OFF if verdict is not None and is_accepted(verdict) else NOT_OURS


def _lived(call: FlowCall) -> int:
    try:
        state = run_claimed(call)
    except AntiphonSignal:
        raise
    except Exception as error:  # noqa: BLE001 - the run's log and state have it
        flow_run_logger(flow_run_id=call.run.id).error("The flow run was broken off: %s", error)
        return BROKEN_OFF
    if state.is_final():
        return BROKEN_OFF if state.is_crashed() else 0
    return 0 if state.is_paused() else NOT_OURS
