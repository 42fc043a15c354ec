"""From a call of a flow to its run: ids, names, frames, and the driver that fits."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from antiphon.context import FlowRunContext, current_tags
from antiphon.engine.drivers import adrive, aiterate, drive, iterate
from antiphon.engine.effects import Body, Life
from antiphon.engine.flow_life import FlowCall, flow_life
from antiphon.engine.pauses import Pauses
from antiphon.engine.retry_policies import retry_policy
from antiphon.engine.scopes import RunScope, raise_if_stopped, scope_around, scope_of_run
from antiphon.engine.stand_ins import stand_in
from antiphon.engine.termination import ended_by_sigterm
from antiphon.engine.upstream import inputs, listed, plain, upstream_in
from antiphon.exceptions import AntiphonException, ParameterTypeError, SerializationError, UpstreamTaskError
from antiphon.ids import new_id
from antiphon.logging import setup_logging
from antiphon.naming import generate_run_name
from antiphon.option_checks import all_tags
from antiphon.parameters import validate
from antiphon.payloads import encode
from antiphon.result_options import flow_result_options
from antiphon.run_names import render_name
from antiphon.runs import FlowRun
from antiphon.session.registry import get_session, settle_in_child
from antiphon.session.session import Session
from antiphon.settings import get_current_settings
from antiphon.state_core import State
from antiphon.telemetry.tracing import traceparent
from antiphon.v1 import flow_run_pb2


def _calling(flow: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> Life:
    """An engine's part: gives the FlowCall, once what the flow builds on has ended."""
    waited = listed(wait_for)
    upstream = upstream_in((*parameters.values(), *waited))
    try:
        if upstream:
            parameters = yield from inputs(parameters, waited, upstream, scope_around() or RunScope())
        else:
            parameters = plain(parameters)
    except UpstreamTaskError as error:
        return prepare(flow, parameters, error)
    return prepare(flow, parameters)


def prepare(flow: Any, parameters: dict[str, Any], unfit: AntiphonException | None = None) -> FlowCall:
    """The call of `flow` where the calling code stands: on its own, or as a subflow in another flow."""
    setup_logging()
    given = parameters
    if unfit is None and flow.should_validate_parameters:
        try:
            parameters = validate(flow.fn, parameters)
        except ParameterTypeError as error:
            unfit = error
    around = FlowRunContext.around()
    run_id = new_id()
    run = FlowRun(
        id=run_id,
        name=render_name(flow.flow_run_name if unfit is None else None, parameters, generate_run_name()),
        flow_name=flow.name,
        parameters=parameters,
        tags=all_tags(current_tags(), around.tags if around is not None else ()),
    )
    opening: tuple[Body, ...] = ()
    if around is not None:
        run.parent_task_run_id = new_id()
        opening = (stand_in(run.parent_task_run_id, flow.name, around),)
    parent_scope = scope_around()
    scope = scope_of_run(parent_scope, flow)
    session = _session()
    context = context_of(flow, run, around, scope, session)
    opening = (*opening, _message(flow, run, given))
    return FlowCall(flow, run, context, session, scope, parent_scope, opening, unfit)


def context_of(flow: Any, run: FlowRun, around: FlowRunContext | None, scope: RunScope, session: Any) -> FlowRunContext:
    """What is known of a run where its code is called."""
    log_prints = flow.log_prints
    if log_prints is None:
        log_prints = around.log_prints if around is not None else get_current_settings().logging.log_prints
    return FlowRunContext(
        flow=flow,
        flow_run_id=run.id,
        flow_run_name=run.name,
        parameters=run.parameters,
        tags=frozenset(run.tags),
        task_runner=flow.task_runner.duplicate(),
        session=session,
        scope=scope,
        pauses=Pauses(run.id, session, scope),
        retries=flow.retries,
        flow_name=flow.name,
        flow_version=flow.version,
        parent_flow_run_id=around.flow_run_id if around is not None else None,
        root_flow_run_id=(around.root_flow_run_id or around.flow_run_id) if around is not None else run.id,
        log_prints=log_prints,
        result_options=flow_result_options(flow, around.result_options if around is not None else None),
        flow_run=run,
    )


def _message(flow: Any, run: FlowRun, parameters: dict[str, Any]) -> flow_run_pb2.FlowRun:
    message = flow_run_pb2.FlowRun(
        id=run.id,
        name=run.name,
        flow_name=flow.name,
        flow_version=flow.version or "",
        tags=run.tags,
        parent_task_run_id=run.parent_task_run_id or "",
        traceparent=traceparent(),
    )
    try:
        payload = encode(parameters)
    except SerializationError:
        # Arguments that only this process can hold are no reason not to run; they are just not shown.
        payload = None
    if payload is not None and len(payload.data) <= MAX_SHOWN_PARAMETERS:
        message.parameters.CopyFrom(payload)
    policy = retry_policy(flow.retries, flow.retry_delays, 0.0)
    if policy is not None:
        message.retry_policy.CopyFrom(policy)
    return message


#: Bytes of encoded arguments up to which the server is told of them; they are for people to look at.
MAX_SHOWN_PARAMETERS = 256 * 1024


def run_flow(flow: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> State:
    """Runs a sync flow in this thread. `wait_for` holds futures and states that must have completed before."""
    call: FlowCall = drive(_calling(flow, parameters, wait_for), _session())
    with _as_root(call):
        state: State = drive(flow_life(call), call.session)
    raise_if_stopped(call.parent_scope)
    return state


async def arun_flow(flow: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> State:
    """Runs an async flow on the running loop."""
    call: FlowCall = await adrive(_calling(flow, parameters, wait_for), _session())
    with _as_root(call):
        state: State = await adrive(flow_life(call), call.session)
    raise_if_stopped(call.parent_scope)
    return state


def iterate_flow(flow: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> Any:
    """Gives the generator, sync or async as the flow is, that runs it as somebody iterates."""
    life = _iterated(flow, parameters, wait_for)
    return aiterate(life, _session()) if flow.isasync else iterate(life, _session())


def _iterated(flow: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> Life:
    """The run begins with the iteration; gives its result."""
    call: FlowCall = yield from _calling(flow, parameters, wait_for)
    with _as_root(call):
        state: State = yield from flow_life(call)
    raise_if_stopped(call.parent_scope)
    return state.outcome()


@contextmanager
def _as_root(call: FlowCall) -> Iterator[None]:
    """Around the life of a run; only a root run has a process to answer for."""
    if call.context.parent_flow_run_id is not None:
        yield
        return
    with root_of_process(call.scope):
        yield


@contextmanager
def root_of_process(scope: RunScope) -> Iterator[None]:
    """Around the life of a run that the process answers for."""
    with ended_by_sigterm(scope):
        try:
            yield
        finally:
            settle_in_child()


def _session() -> Session:
    around = FlowRunContext.around()
    return around.session if around is not None else get_session()
