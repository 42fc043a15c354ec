"""From a call of a task to its run: ids, names, frames, and the driver that fits."""

import asyncio
from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import Any

from antiphon.context import FlowRunContext, TaskRunContext, current_tags
from antiphon.engine.drivers import adrive, drive, send
from antiphon.engine.effects import Body
from antiphon.engine.proposals import task_run_pending
from antiphon.engine.retry_policies import retry_policy
from antiphon.engine.reuse import Reuse
from antiphon.engine.scopes import RunScope
from antiphon.engine.task_life import TaskCall, task_life
from antiphon.engine.upstream import task_run_ids, upstream_in
from antiphon.ids import new_id
from antiphon.logging import setup_logging
from antiphon.naming import task_run_name
from antiphon.run_names import render_name
from antiphon.runs import TaskRun
from antiphon.session.registry import get_session
from antiphon.settings import get_current_settings
from antiphon.state_core import State
from antiphon.v1 import task_run_pb2


def prepare(task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> TaskCall:
    """The call of `task` where the calling code stands: in a flow, in another task, or on its own."""
    flow, outer = FlowRunContext.get(), TaskRunContext.get()
    if flow is None:
        setup_logging()
    dynamic_key = _dynamic_key(task.task_key, flow)
    reuse = Reuse(flow, task.task_key, dynamic_key) if flow is not None and flow.retries else None
    inputs_known = not upstream_in(parameters, ())
    if reuse is not None and inputs_known:
        reuse.know_inputs(parameters)
    earlier = reuse.task_run_id if reuse is not None else None
    run_id = earlier or new_id()
    tags = sorted({*task.tags, *current_tags(), *(flow.tags if flow is not None else ())})
    template = task.task_run_name if inputs_known else None
    run = TaskRun(
        id=run_id,
        name=render_name(template, parameters, task_run_name(task.name, dynamic_key)),
        task_key=task.task_key,
        dynamic_key=dynamic_key,
        flow_run_id=flow.flow_run_id if flow is not None else None,
        tags=tags,
    )
    parent_scope: RunScope | None = outer.scope if outer is not None else flow.scope if flow is not None else None
    scope = RunScope(parent_scope)
    persist = task.persist_result
    if persist is None and flow is not None:
        persist = flow.persist_result
    context = TaskRunContext(
        task=task,
        task_run_id=run_id,
        task_run_name=run.name,
        flow_run_id=run.flow_run_id,
        scope=scope,
        tags=frozenset(tags),
        log_prints=_log_prints(task, flow),
        persist_result=persist,
    )
    waited = list(wait_for or ())
    session = flow.session if flow is not None else get_session()
    # A run of an earlier attempt is there already and goes on; one whose result serves is left as it is.
    opening: tuple[Body, ...] = ()
    if earlier is None:
        opening = _opening(task, run, parameters, waited)
    elif reuse is not None and reuse.state is None:
        opening = (task_run_pending(run_id),)
    unnamed = template is not task.task_run_name
    return TaskCall(task, run, context, parameters, waited, session, scope, parent_scope, opening, unnamed, reuse)


def _dynamic_key(task_key: str, flow: FlowRunContext | None) -> str:
    """Counts the calls of one task in one attempt of a flow run; outside of flows there is nothing to tell apart."""
    if flow is None:
        return new_id()[-12:]
    return str(flow.next_key(task_key))


def _log_prints(task: Any, flow: FlowRunContext | None) -> bool:
    if task.log_prints is not None:
        return bool(task.log_prints)
    return flow.log_prints if flow is not None else get_current_settings().logging_log_prints


def _opening(task: Any, run: TaskRun, parameters: dict[str, Any], wait_for: list[Any]) -> tuple[Body, ...]:
    upstream = task_run_ids(upstream_in(parameters, wait_for))[:MAX_SHOWN_UPSTREAM]
    message = task_run_pb2.TaskRun(
        id=run.id,
        name=run.name,
        flow_run_id=run.flow_run_id or "",
        task_key=run.task_key,
        dynamic_key=run.dynamic_key,
        task_version=task.version or "",
        tags=run.tags,
        upstream_task_run_ids=upstream,
    )
    policy = retry_policy(task.retries, task.retry_delays, task.retry_jitter_factor)
    if policy is not None:
        message.retry_policy.CopyFrom(policy)
    return (message, task_run_pending(run.id))


#: Ids of runs before this one that the server is told of; they are for people to look at.
MAX_SHOWN_UPSTREAM = 10_000


def run_task(call: TaskCall) -> State:
    """Runs a sync task in this thread."""
    state: State = drive(task_life(call), call.session)
    _go_on(call)
    return state


async def arun_task(call: TaskCall) -> State:
    """Runs an async task on the running loop."""
    state: State = await adrive(task_life(call), call.session)
    _go_on(call)
    return state


def run_in_thread(call: TaskCall) -> State:
    """Runs either kind in this thread, an async task in a loop of its own."""
    if iscoroutinefunction(call.task.fn):
        return asyncio.run(adrive(task_life(call), call.session))
    return drive(task_life(call), call.session)  # type: ignore[no-any-return]


def announce(call: TaskCall) -> None:
    """Tells the server of a run that will start later."""
    if not call.may_be_announced:
        return
    opening, call.opening = call.opening, ()
    if opening:
        send(call.session, opening, urgent=True)


def _go_on(call: TaskCall) -> None:
    """Where the run around was stopped too, its code must not go on with what this one gave."""
    parent = call.parent_scope
    if parent is not None and parent.signal is not None:
        raise parent.signal()
