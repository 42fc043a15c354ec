"""Pausing and suspending flow runs, and having them go on.

Each function serves sync and async code: in an async flow, and where an event loop runs outside of flows, it gives a
coroutine. Its twin with an `a` before the name always does.
"""

import importlib
import json
from typing import Any
from uuid import UUID

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.pause_life import Wish, pause_life
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import MissingContextError, ServerError
from antiphon.flow_run_waiting import wait_for_flow_run
from antiphon.json_payloads import json_payload
from antiphon.option_checks import checked_wait
from antiphon.payloads import JSON, encoding_of
from antiphon.v1.flow_run_service_pb2 import (
    GetFlowRunInputRequest,
    GetFlowRunInputResponse,
    GetFlowRunRequest,
    GetFlowRunResponse,
    ResumeFlowRunRequest,
    ResumeFlowRunResponse,
    SuspendFlowRunRequest,
    SuspendFlowRunResponse,
)

__all__ = [
    "apause_flow_run",
    "aresume_flow_run",
    "asuspend_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
    "wait_for_flow_run",
]


@dual
def pause_flow_run(
    wait_for_input: Any = None, timeout: float | None = 3600, poll_interval: float = 10, key: str | None = None
) -> Work[Any]:
    """Pause the flow run that the calling code is part of, and block until it is resumed.

    `wait_for_input` is a type, such as a RunInput or `list[str]`: an answer that fits it has to come with
    `resume_flow_run`, and is returned. Without it None is returned. `timeout` is in seconds, None waits for ever. A run
    pauses once for each `key`: where it has done so before (and was not tried again since) the code goes on at once,
    with the answer of then. Without a key the first pause of an attempt has the key "1", the next one "2".
    `poll_interval` has no effect, since nobody polls: the server tells.

    The process keeps waiting here; tasks that run end, and others start when the run is resumed. In an async flow this
    gives a coroutine. Raises FlowPauseTimeout when the time is over and the run has failed, RuntimeError inside a task
    and where the policy refuses, MissingContextError (a RuntimeError) outside of a flow, TypeError for a
    `wait_for_input` that has no JSON schema, ValueError for a timeout out of range, ServerError.
    """
    return (yield from _paused(_own_run("paused"), wait_for_input, timeout, key, suspend=False))


@dual
def suspend_flow_run(
    wait_for_input: Any = None,
    flow_run_id: UUID | str | None = None,
    timeout: float | None = None,
    key: str | None = None,
) -> Work[Any]:
    """Suspend a flow run: its process ends, its slots are free, and resuming it has it started again by its deployment.

    Without `flow_run_id`, or with that of the calling code's own run, this does not return but raises `Pause`, which is
    not to be caught; where the run was suspended before for that key the code goes on, with the answer of then. Of
    another run the process is told to let go of it. Other arguments as of `pause_flow_run`.

    Raises RuntimeError for a run without a deployment or a subflow, since nobody would start it again, and inside a
    task; MissingContextError (a RuntimeError) outside of a flow; ServerError for another run where the server refuses.
    """
    around = FlowRunContext.around()
    if flow_run_id is None or (around is not None and str(flow_run_id) == around.flow_run_id):
        return (yield from _paused(_own_run("suspended"), wait_for_input, timeout, key, suspend=True))
    wanted = _wanted(wait_for_input)
    schema = wanted.schema if wanted is not None else ""
    request = SuspendFlowRunRequest(id=str(flow_run_id), pause_key=key or "", input_schema=schema)
    seconds = checked_wait(timeout)
    if seconds is not None:
        request.timeout.FromMilliseconds(round(seconds * 1000))
    yield from call_server(lambda client: client.flow_runs.SuspendFlowRun, request, SuspendFlowRunResponse)
    return None


@dual
def resume_flow_run(flow_run_id: UUID | str, run_input: Any = None) -> Work[None]:
    """Have a paused or suspended flow run go on.

    `run_input` is the answer to its `wait_for_input`: what JSON can say, or a Pydantic model. None leaves it to the
    defaults of a model. The answer to a type such as `int` is the value, or `{"value": ...}` with it. Where an event
    loop runs this gives a coroutine. Raises NotPausedError where the run is not paused, ServerError for input that does
    not fit (reason INPUT_INVALID; the run stays paused), for a pause whose time is over (PAUSE_EXPIRED), and where the
    server refuses (RESUME_REFUSED); ObjectNotFound; SerializationError for input that JSON cannot say.
    """
    run_id = str(flow_run_id)
    if isinstance(run_input, dict) and run_input.keys() == {"value"} and not (yield from _asks_for_fields(run_id)):
        run_input = run_input["value"]
    try:
        yield from _resumed(run_id, run_input)
    except ServerError as error:
        if run_input is not None or error.reason != "INPUT_INVALID":
            raise
        try:
            yield from _resumed(run_id, {})
        except ServerError:
            # It is none that has only fields with defaults, so an answer was missing.
            raise error from None


apause_flow_run = awaitable(pause_flow_run)
asuspend_flow_run = awaitable(suspend_flow_run)
aresume_flow_run = awaitable(resume_flow_run)


def _own_run(what: str) -> FlowRunContext:
    if TaskRunContext.get() is not None:
        raise RuntimeError(f"A task run cannot be {what}. Do it in the flow around it.")
    context = FlowRunContext.around()
    if context is None:
        raise MissingContextError(
            f"No flow run is in progress here that could be {what}. Call this inside a flow; for the run of another "
            "process use suspend_flow_run(flow_run_id=...), or `antiphon flow-run pause`."
        )
    return context


def _paused(context: FlowRunContext, kind: Any, timeout: float | None, key: str | None, *, suspend: bool) -> Work[Any]:
    wanted = _wanted(kind)
    key = key or str(context.next_key("pause:") + 1)
    wish = Wish(key, checked_wait(timeout), wanted.schema if wanted is not None else "", suspend)
    yield from pause_life(context, wish)
    if wanted is None:
        return None
    request = GetFlowRunInputRequest(flow_run_id=context.flow_run_id, key=key)
    response = yield from call_server(lambda client: client.flow_runs.GetFlowRunInput, request, GetFlowRunInputResponse)
    told = response.flow_run_input
    data = told.value.data if encoding_of(told.value) == JSON else b"null"
    return wanted.read(data, context.flow_run_id, key, told.sender)


def _resumed(run_id: str, run_input: Any) -> Work[None]:
    request = ResumeFlowRunRequest(id=run_id)
    if run_input is not None:
        request.input.CopyFrom(json_payload(run_input, "run_input"))
    yield from call_server(lambda client: client.flow_runs.ResumeFlowRun, request, ResumeFlowRunResponse)


def _asks_for_fields(run_id: str) -> Work[bool]:
    """Whether a run is paused for a model with fields, and not for a single value."""
    request = GetFlowRunRequest(id=run_id)
    answer = yield from call_server(lambda client: client.flow_runs.GetFlowRun, request, GetFlowRunResponse)
    schema = answer.flow_run.state.details.input_schema
    return not schema or not {"properties", "$ref"}.isdisjoint(json.loads(schema))


def _wanted(kind: Any) -> Any:
    """What stands for `wait_for_input`, or None. It is loaded with the first that asks for something."""
    if kind is None:
        return None
    return importlib.import_module("antiphon.pause_inputs").Wanted(kind)
