"""From a call of a task to its run: ids, names, frames, and the driver that fits."""

from collections.abc import Iterable
from typing import Any

from antiphon.collections_visit import Upstream
from antiphon.context import FlowRunContext, TaskRunContext, current_tags
from antiphon.engine.drivers import adrive, aiterate, drive, drive_in_thread, iterate, send
from antiphon.engine.effects import Body, Life
from antiphon.engine.proposals import propose_task_run, task_run_pending
from antiphon.engine.retry_policies import retry_policy
from antiphon.engine.reuse import Reuse
from antiphon.engine.scopes import RunScope, raise_if_stopped, scope_around, scope_of_run
from antiphon.engine.task_life import TaskCall, task_life
from antiphon.engine.upstream import listed, task_run_ids, upstream_in
from antiphon.exception_payloads import format_exception
from antiphon.exceptions import RunCancelled
from antiphon.ids import new_id
from antiphon.logging import setup_logging
from antiphon.naming import task_run_name
from antiphon.option_checks import all_tags
from antiphon.result_options import task_result_options
from antiphon.run_names import render_name
from antiphon.runs import TaskRun
from antiphon.session.registry import get_session
from antiphon.session.session import Session
from antiphon.settings import get_current_settings
from antiphon.state_core import State, StateType
from antiphon.telemetry.tracing import traceparent
from antiphon.v1 import task_run_pb2


def prepare(task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> TaskCall:
    """The call of `task` where the calling code stands: in a flow, in another task, or on its own."""
    flow = FlowRunContext.around()
    if flow is None:
        setup_logging()
    waited = listed(wait_for)
    dynamic_key = dynamic_key_for(task.task_key, flow)
    # Looked for once: arguments may be large.
    upstream = upstream_in(parameters.values())
    inputs_known = not upstream
    upstream += upstream_in(waited)
    reuse = Reuse(flow, task.task_key, dynamic_key) if flow is not None and flow.retries else None
    if reuse is not None and inputs_known:
        reuse.know_inputs(parameters)
    run = _run(task, parameters if inputs_known else None, dynamic_key, flow, reuse)
    parent_scope = scope_around()
    scope = scope_of_run(parent_scope, task)
    return TaskCall(
        task=task,
        run=run,
        context=context_of(task, run, flow, scope),
        parameters=parameters,
        wait_for=waited,
        upstream=upstream,
        session=_session(),
        scope=scope,
        parent_scope=parent_scope,
        opening=_opening(task, run, upstream, reuse),
        pauses=flow.pauses if flow is not None else None,
        unnamed=not inputs_known and task.task_run_name is not None,
        reuse=reuse,
    )


def _run(
    task: Any, parameters: dict[str, Any] | None, dynamic_key: str, flow: FlowRunContext | None, reuse: Reuse | None
) -> TaskRun:
    """The run, or that of an earlier attempt which goes on. Without `parameters` its name is not known yet."""
    template = task.task_run_name if parameters is not None else None
    return TaskRun(
        id=(reuse.task_run_id if reuse is not None else None) or new_id(),
        name=render_name(template, parameters or {}, task_run_name(task.name, dynamic_key)),
        task_key=task.task_key,
        dynamic_key=dynamic_key,
        flow_run_id=flow.flow_run_id if flow is not None else None,
        tags=all_tags(task.tags, current_tags(), flow.tags if flow is not None else ()),
    )


def context_of(task: Any, run: TaskRun, flow: FlowRunContext | None, scope: RunScope) -> TaskRunContext:
    return TaskRunContext(
        task=task,
        task_run_id=run.id,
        task_run_name=run.name,
        flow_run_id=run.flow_run_id,
        scope=scope,
        tags=frozenset(run.tags),
        log_prints=_log_prints(task, flow),
        result_options=task_result_options(task, flow.result_options if flow is not None else None),
        task_run=run,
    )


def dynamic_key_for(task_key: str, flow: FlowRunContext | None) -> str:
    """Counts the calls of one task in one attempt of a flow run; outside of flows there is nothing to tell apart."""
    if flow is None:
        return new_id()[-12:]
    return f"{flow.key_prefix}{flow.next_key(task_key)}"


def _log_prints(task: Any, flow: FlowRunContext | None) -> bool:
    if task.log_prints is not None:
        return bool(task.log_prints)
    return flow.log_prints if flow is not None else get_current_settings().logging.log_prints


def _opening(task: Any, run: TaskRun, upstream: list[Upstream], reuse: Reuse | None) -> tuple[Body, ...]:
    """The frames that tell the server of the run. One of an earlier attempt is there already and goes on; one whose
    result serves is left as it is."""
    if reuse is not None and reuse.task_run_id is not None:
        return () if reuse.state is not None else (task_run_pending(run.id),)
    message = task_run_pb2.TaskRun(
        id=run.id,
        name=run.name,
        flow_run_id=run.flow_run_id or "",
        task_key=run.task_key,
        dynamic_key=run.dynamic_key,
        task_version=task.version or "",
        tags=run.tags,
        upstream_task_run_ids=task_run_ids(upstream)[:MAX_SHOWN_UPSTREAM],
        traceparent=traceparent(),
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
    raise_if_stopped(call.parent_scope)
    return state


async def arun_task(call: TaskCall) -> State:
    """Runs an async task on the running loop."""
    state: State = await adrive(task_life(call), call.session)
    raise_if_stopped(call.parent_scope)
    return state


def iterate_task(task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> Any:
    """Gives the generator, sync or async as the task is, that runs it as somebody iterates."""
    life = _iterated(task, parameters, wait_for)
    return aiterate(life, _session()) if task.isasync else iterate(life, _session())


def _iterated(task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> Life:
    """The run begins with the iteration; gives its result."""
    call = prepare(task, parameters, wait_for)
    state: State = yield from task_life(call)
    raise_if_stopped(call.parent_scope)
    return state.outcome()


def _session() -> Session:
    around = FlowRunContext.around()
    return around.session if around is not None else get_session()


def run_in_thread(call: TaskCall) -> State:
    """Runs either kind in this thread, an async task in a loop of its own."""
    call.gathers = call.task.isgenerator
    return drive_in_thread(task_life(call), call.session, isasync=call.task.isasync)  # type: ignore[no-any-return]


def announce(call: TaskCall) -> bool:
    """Tells the server of a run that will start later; says whether there was something to tell."""
    if not (call.may_be_announced and call.opening):
        return False
    opening, call.opening = call.opening, ()
    send(call.session, opening, urgent=True)
    return True


def withdraw(call: TaskCall, announced: bool, error: BaseException) -> None:
    """The run will not start after all. Where the server knows of it, it is told that too."""
    # An interrupt may have come just after it was started.
    call.scope.stop(RunCancelled, "it was withdrawn")
    if call.parent_scope is not None:
        call.parent_scope.release(call.scope)
    if announced:
        message = f"The task runner did not start the run: {format_exception(error)}"
        send(call.session, (propose_task_run(call.run.id, State(StateType.CRASHED, message=message)),))
