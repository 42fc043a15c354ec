"""Waiting for the end of a flow run, which the server tells the moment it comes."""

import logging
import math
import time
from typing import Any
from uuid import UUID

from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.server_calls import wait_at_server
from antiphon.exceptions import FlowRunWaitTimeout, SerializationError, ServerError
from antiphon.given_clients import AnyClient
from antiphon.payloads import decode
from antiphon.runs import FlowRun
from antiphon.service_client import ServiceClient
from antiphon.state_core import State
from antiphon.state_protos import from_proto
from antiphon.v1 import flow_run_pb2
from antiphon.v1.flow_run_service_pb2 import AwaitFlowRunRequest, AwaitFlowRunResponse, GetFlowRunRequest

__all__ = ["flow_run_once_ended", "flow_run_state", "wait_for_flow_run"]

#: Seconds that the server waits with a call, at most.
_LONGEST_WAIT = 86_400.0


@dual
def _wait_for_flow_run(
    flow_run_id: UUID | str,
    timeout: float | None = 10800,
    poll_interval: float | None = None,
    client: AnyClient = None,
    log_states: bool = False,
) -> Work[FlowRun]:
    """Wait until a flow run has ended, and return it; its `state` says how.

    `timeout` is in seconds; None waits for ever. `poll_interval` has no effect, since nobody polls. `client` is that of
    another server than the configured one. With `log_states` each state that the run is found in is logged. Who waits
    holds no thread. Parameters that cannot be read in this process are {}. Raises FlowRunWaitTimeout where the run goes
    on after `timeout`, ObjectNotFound for an unknown run, ServerError.
    """
    run = yield from flow_run_once_ended(str(flow_run_id), timeout, client=client, log_states=log_states)
    return _run_from(run)


wait_for_flow_run = awaitable(_wait_for_flow_run)
wait_for_flow_run.__name__ = wait_for_flow_run.__qualname__ = "wait_for_flow_run"


def flow_run_once_ended(
    run_id: str, timeout: float | None, *, client: AnyClient = None, log_states: bool = False
) -> Work[flow_run_pb2.FlowRun]:
    """Gives a run as the contract has it once it has ended. Arguments and errors as of `wait_for_flow_run`."""
    logger = logging.getLogger("antiphon.flow_runs")
    end = math.inf if timeout is None else time.monotonic() + timeout
    seen = ""
    while True:
        run = yield from _awaited(run_id, seen if log_states else "", end, client)
        if run is not None and log_states and run.state.id != seen:
            seen = run.state.id
            logger.info("Flow run %s is in state %r", run.name, run.state.name)
        if run is not None and run.HasField("state") and from_proto(run.state).is_final():
            return run
        if time.monotonic() >= end:
            raise FlowRunWaitTimeout(
                f"Flow run {run_id} has not ended within {timeout} second(s). It goes on; wait for longer, or see "
                "`antiphon flow-run explain`."
            )


def flow_run_state(client: ServiceClient, flow_run_id: str) -> State:
    """Return the state that a run is in now. Raises ObjectNotFound, ServerError."""
    run = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=flow_run_id)).flow_run
    return from_proto(run.state)


def _awaited(run_id: str, seen: str, end: float, client: AnyClient) -> Work[flow_run_pb2.FlowRun | None]:
    """The run once it has ended, or is in another state than the one seen, or at the end of the time."""
    wait = min(max(end - time.monotonic(), 0.0), _LONGEST_WAIT)
    request = AwaitFlowRunRequest(id=run_id, state_id=seen)
    request.wait_timeout.FromMicroseconds(round(wait * 1e6))
    try:
        answer = yield from wait_at_server(
            lambda it: it.flow_runs.AwaitFlowRun, request, AwaitFlowRunResponse, wait, client=client
        )
    except ServerError as error:
        if error.code == "DEADLINE_EXCEEDED":  # and the server was away
            return None
        raise
    return answer.flow_run


def _run_from(message: flow_run_pb2.FlowRun) -> FlowRun:
    return FlowRun(
        id=message.id,
        name=message.name,
        tags=list(message.tags),
        run_count=message.run_count,
        state=from_proto(message.state),
        flow_name=message.flow_name,
        parameters=_parameters_of(message),
        parent_task_run_id=message.parent_task_run_id or None,
    )


def _parameters_of(message: flow_run_pb2.FlowRun) -> dict[str, Any]:
    """Empty where they cannot be read here, such as pickles of modules that this process lacks: who waits for the end
    of a run is told of it all the same."""
    try:
        return decode(message.parameters) if message.HasField("parameters") else {}
    except SerializationError:
        return {}
