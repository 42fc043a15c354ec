"""A flow run that exists already: one of a deployment, which a worker has claimed, or that is run by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

from antiphon.engine.drivers import adrive, aiterate, drive, iterate
from antiphon.engine.effects import Life
from antiphon.engine.flow_life import FlowCall, flow_life
from antiphon.engine.pauses import Pauses
from antiphon.engine.retry_policies import retry_policy
from antiphon.engine.run_flow import context_of, root_of_process
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonException
from antiphon.option_checks import all_tags
from antiphon.parameters import bind, validate
from antiphon.run_names import render_name
from antiphon.runs import FlowRun
from antiphon.session.session import Session
from antiphon.state_core import State
from antiphon.timestamps import read_timestamp
from antiphon.v1 import flow_run_pb2


def claimed_call(
    flow: Any,
    told: flow_run_pb2.FlowRun,
    parameters: dict[str, Any],
    session: Session,
    *,
    token: int,
    deployment: Any = None,
    parent_flow_run_id: str | None = None,
    begun: Callable[[], object] | None = None,
) -> FlowCall:
    """The call of `flow` that makes the run which the server has told of. `token` is that of the claim, 0 where the run
    is to be claimed here; `begun` is called when it is RUNNING."""
    unfit: AntiphonException | None = None
    try:
        parameters = _fitted(flow, parameters)
    except AntiphonException as error:
        unfit = error
    run = FlowRun(
        id=told.id,
        name=told.name if unfit is not None else render_name(flow.flow_run_name, parameters, told.name),
        flow_name=flow.name,
        parameters=parameters,
        tags=all_tags(told.tags),
        parent_task_run_id=told.parent_task_run_id or None,
    )
    scope = RunScope()
    context = context_of(flow, run, None, scope, session)
    context.pauses = Pauses(run.id, session, scope)
    context.deployment, context.parent_flow_run_id = deployment, parent_flow_run_id
    if told.HasField("expected_start_time"):
        context.expected_start_time = read_timestamp(told.expected_start_time)
    return FlowCall(
        flow,
        run,
        context,
        session,
        scope,
        None,
        (),
        unfit,
        token=token,
        begun=begun,
        traceparent=told.traceparent,
    )


def changes_of(call: FlowCall, told: flow_run_pb2.FlowRun) -> tuple[flow_run_pb2.FlowRun, list[str]]:
    """What the code says of its run that the server has to know, and cannot before the code is here: the run with it,
    and the names of the fields."""
    changed, fields = flow_run_pb2.FlowRun(id=told.id), []
    policy = retry_policy(call.flow.retries, call.flow.retry_delays, 0.0)
    if policy is not None and policy != told.retry_policy:
        changed.retry_policy.CopyFrom(policy)
        fields.append("retry_policy")
    if call.run.name != told.name:
        changed.name = call.run.name
        fields.append("name")
    if call.flow.version and call.flow.version != told.flow_version:
        changed.flow_version = call.flow.version
        fields.append("flow_version")
    return changed, fields


def run_claimed(call: FlowCall) -> State:
    """Live the run, in the main thread, whatever the flow is; gives its state. Raises what broke it off."""
    with root_of_process(call.scope):
        if call.flow.isasync:
            return asyncio.run(_alive(call))
        if call.flow.isgenerator:
            states: list[State] = []
            for _ in iterate(_kept(call, states), call.session):
                pass
            return states[0]
        state: State = drive(flow_life(call), call.session)
        return state


async def _alive(call: FlowCall) -> State:
    if call.flow.isgenerator:
        states: list[State] = []
        async for _ in aiterate(_kept(call, states), call.session):
            pass
        return states[0]
    state: State = await adrive(flow_life(call), call.session)
    return state


def _kept(call: FlowCall, states: list[State]) -> Life:
    states.append((yield from flow_life(call)))


def _fitted(flow: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Raises AntiphonException where the flow cannot be called with them."""
    bound = bind(flow.fn, (), parameters)
    return validate(flow.fn, bound) if flow.should_validate_parameters else bound
