"""From a call that is put off to a run that waits for a task worker."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.async_code import in_async_code
from antiphon.background_parameters import BackgroundCall, pack
from antiphon.context import FlowRunContext, current_tags
from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.engine.drivers import adrive, drive, report_refusal
from antiphon.engine.effects import Await, Life
from antiphon.engine.proposals import is_accepted, task_run_deferred
from antiphon.engine.retry_policies import retry_policy
from antiphon.engine.run_task import MAX_SHOWN_UPSTREAM, dynamic_key_for
from antiphon.engine.scopes import RunScope, scope_around
from antiphon.engine.upstream import listed, task_run_ids, upstream_in
from antiphon.exceptions import ServerError, ServerUnreachable
from antiphon.ids import new_id
from antiphon.logging import setup_logging
from antiphon.naming import task_run_name
from antiphon.option_checks import all_tags
from antiphon.run_names import render_name
from antiphon.session.registry import get_session
from antiphon.session.session import Session
from antiphon.session.ticket import Ticket
from antiphon.telemetry.tracing import traceparent
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal

#: Seconds for which a caller outside of any run waits until its call is kept.
PATIENCE = 30.0


@dataclass(slots=True)
class Delayed:
    """A call that is on its way to the server."""

    future: AntiphonDistributedFuture[Any]
    #: Of the frame that queues the run, behind the one that makes it.
    queued: Ticket


def delay(
    task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None, dependencies: Mapping[str, Any] | None = None
) -> AntiphonDistributedFuture[Any]:
    """Queues a run. In sync code it is kept, durably, when this returns; async code is not held up, and what goes wrong
    is logged and told by the future."""
    return delay_all(task, [parameters], wait_for, dependencies)[0]


def delay_all(
    task: Any,
    calls: Iterable[dict[str, Any]],
    wait_for: Iterable[Any] | None,
    dependencies: Mapping[str, Any] | None = None,
) -> list[AntiphonDistributedFuture[Any]]:
    """The same for many calls, in one go."""
    waits = not in_async_code()
    delayed = send_all(task, calls, wait_for, dependencies, blocking=waits)
    if waits:
        _wait([each.queued for each in delayed])
    return [each.future for each in delayed]


def send_all(
    task: Any,
    calls: Iterable[dict[str, Any]],
    wait_for: Iterable[Any] | None,
    dependencies: Mapping[str, Any] | None = None,
    *,
    blocking: bool,
) -> list[Delayed]:
    """Sends the calls and waits for nothing, but for room in the session where it is `blocking`.

    Raises SerializationError for arguments that cannot travel; then none of the calls is sent.
    """
    flow = FlowRunContext.around()
    if flow is None:
        setup_logging()
    session: Session = flow.session if flow is not None else get_session()
    waited = listed(wait_for)
    frames = [_frames(task, parameters, waited, dependencies, flow) for parameters in calls]
    delayed = []
    for run, queue in frames:
        tickets = session.submit(run, queue, blocking=blocking)
        if not blocking:
            _report(tickets)
        delayed.append(Delayed(AntiphonDistributedFuture(run.id, created=tickets[-1]), tickets[-1]))
    return delayed


async def adelay(
    task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None, dependencies: Mapping[str, Any] | None = None
) -> AntiphonDistributedFuture[Any]:
    """As `delay` in sync code, without blocking the event loop: the run is kept when this returns."""
    (delayed,) = send_all(task, [parameters], wait_for, dependencies, blocking=False)
    try:
        async with asyncio.timeout(PATIENCE if scope_around() is None else None) as limit:
            await adrive(_kept([delayed.queued]), None)
    except TimeoutError:
        if not limit.expired():
            raise
        raise _unanswered() from None
    return delayed.future


def _wait(queued: list[Ticket]) -> None:
    if scope_around() is not None:
        drive(_kept(queued), None)
        return
    deadline = time.monotonic() + PATIENCE
    for ticket in queued:
        try:
            ticket.result(deadline - time.monotonic())
        except TimeoutError:
            raise _unanswered() from None
    _check(queued)


def _kept(queued: list[Ticket]) -> Life:
    """An engine's part: in a run, the server is waited for as long as the run itself would wait."""
    yield Await(queued, scope_around() or RunScope())
    _check(queued)


def _check(queued: list[Ticket]) -> None:
    for ticket in queued:
        verdict = ticket.result()
        if verdict is not None and not is_accepted(verdict):
            raise ServerError(f"The run was not queued: {verdict.reason}", code="FAILED_PRECONDITION")


def _unanswered() -> ServerUnreachable:
    return ServerUnreachable(
        f"The server has not answered for {PATIENCE:g} s. The call is kept in this process and is queued once the "
        "server is back, unless this process ends before; do not make it again. `antiphon config view` says which "
        "server that is.",
        code="UNAVAILABLE",
    )


def _report(tickets: Iterable[Ticket]) -> None:
    for ticket in tickets:
        ticket.add_done_callback(report_refusal)


def _frames(
    task: Any,
    parameters: dict[str, Any],
    wait_for: list[Any],
    dependencies: Mapping[str, Any] | None,
    flow: FlowRunContext | None,
) -> tuple[TaskRun, Proposal]:
    """What makes the run, and what queues it."""
    run_id = new_id()
    dynamic_key = dynamic_key_for(task.task_key, flow)
    upstream = upstream_in(parameters.values())
    # Of results that are not there yet no name can be made.
    template = task.task_run_name if not upstream else None
    upstream += [*upstream_in(wait_for), *upstream_in((dependencies or {}).values())]
    run = TaskRun(
        id=run_id,
        name=render_name(template, parameters, task_run_name(task.name, dynamic_key)),
        flow_run_id=flow.flow_run_id if flow is not None else "",
        task_key=task.task_key,
        dynamic_key=dynamic_key,
        task_version=task.version or "",
        tags=all_tags(task.tags, current_tags(), flow.tags if flow is not None else ()),
        upstream_task_run_ids=task_run_ids(upstream)[:MAX_SHOWN_UPSTREAM],
        parameters=pack(task, BackgroundCall(parameters, wait_for, sorted(current_tags())), run_id),
        traceparent=traceparent(),
    )
    policy = retry_policy(task.retries, task.retry_delays, task.retry_jitter_factor)
    if policy is not None:
        run.retry_policy.CopyFrom(policy)
    return run, task_run_deferred(run_id, parameters_id=run_id)
