"""The worker's part of how a task run lives that another process has submitted.

Runs here speak to the server by the session of this process: `get_session()` opens it with the first of them, and all
that follow share it, so there is one a worker process and never one a task. It ends with the process.
"""

import asyncio
import copy
import os
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import copy_context
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from antiphon.annotations import quote
from antiphon.context import FlowRunContext, TaskRunContext, tags
from antiphon.engine.drivers import adrive, drive
from antiphon.engine.effects import Life
from antiphon.engine.flow_life import settle_submitted
from antiphon.engine.scopes import RunScope
from antiphon.engine.task_life import TaskCall, task_life
from antiphon.exceptions import AntiphonException, RunRevoked, SerializationError
from antiphon.ids import new_id
from antiphon.logging import setup_logging
from antiphon.payloads import to_bytes
from antiphon.runners.answers import Answer, pack_answer
from antiphon.runners.followed_pauses import FollowedPauses
from antiphon.runners.luggage import Luggage, unpack_call, unpack_flow, unpack_parameters, unpack_task
from antiphon.runners.threads import ThreadPoolTaskRunner
from antiphon.session.registry import get_session, get_uploader
from antiphon.session.session import Session
from antiphon.settings import get_current_settings, use_settings
from antiphon.state_core import State
from antiphon.state_rules import exception_to_crashed_state
from antiphon.v1.session_pb2 import COMMAND_STAGE_APPLIED, Command, CommandStage

#: Seconds for which a run's logs are waited for at its end: the process may be killed as soon as it is idle.
_LOGS_PATIENCE = 5.0


def carry_out(call: bytes, flow: bytes | None, scope: RunScope | None = None) -> bytes:
    """Run the task, and return its Answer once the server has committed all that it did. Never raises.

    `call` and `flow` are a `Parcel`'s. Who stops `scope` stops the run.
    """
    return copy_context().run(_carry_out, call, flow, scope or RunScope())


def _carry_out(packed: bytes, flow: bytes | None, scope: RunScope) -> bytes:
    try:
        luggage = unpack_call(packed)
        if luggage.settings != get_current_settings():
            use_settings(luggage.settings)
        setup_logging()
        session = get_session()
        call = _call(luggage, scope, session)
        around = _flow_context(flow, call, session) if flow is not None else None
    except AntiphonException as problem:
        return pack_answer(Answer(problem=problem))
    return pack_answer(_lived(call, around, luggage.tags))


def _call(luggage: Luggage, scope: RunScope, session: Session) -> TaskCall:
    task = unpack_task(luggage.task)
    parameters = unpack_parameters(luggage.parameters)
    run = luggage.run
    own_scope = RunScope(scope)
    context = TaskRunContext(task=task, scope=own_scope, **luggage.facts)
    _insist_on_travelling_results(context)
    return TaskCall(
        task=context.task,
        run=run,
        context=context,
        # They were resolved where they come from; what they hold is not to be searched once more.
        parameters={name: quote(value) for name, value in parameters.items()},
        wait_for=[],
        upstream=[],
        session=session,
        scope=own_scope,
        parent_scope=scope,
        opening=(),
        pauses=FollowedPauses(run.flow_run_id, session, own_scope) if run.flow_run_id else None,
        fencing_token=luggage.fencing_token,
        handed_over=luggage.pending,
    )


def _insist_on_travelling_results(context: TaskRunContext) -> None:
    """A result that cannot be pickled would be lost on its way back, so it fails the run: as one that cannot be kept,
    or where it is not to be kept, as the function returns it."""
    keeps = context.persist_result
    if keeps is None:
        keeps = get_current_settings().results_persist_by_default
    if keeps:
        context.persist_result = True
        return
    context.task = copy.copy(context.task)
    context.task.fn = _checked(context.task.fn)


def _checked(fn: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(fn):

        @wraps(fn)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return _travelling(await fn(*args, **kwargs))

        return awaited

    @wraps(fn)
    def called(*args: Any, **kwargs: Any) -> Any:
        return _travelling(fn(*args, **kwargs))

    return called


def _travelling(value: Any) -> Any:
    try:
        to_bytes(value)
    except SerializationError as error:
        raise SerializationError(
            f"The result cannot be sent back to the process that submitted the task: {error.__cause__!r}. Return "
            "something that can be pickled, or run the task in a ThreadPoolTaskRunner."
        ) from error
    return value


def _flow_context(packed: bytes, call: TaskCall, session: Session) -> FlowRunContext:
    """The flow run around, as far as this process is concerned. What a task submits in turn runs in threads here."""
    return FlowRunContext(
        **unpack_flow(packed),
        flow=None,
        task_runner=ThreadPoolTaskRunner(),
        session=session,
        scope=call.parent_scope,
        pauses=call.pauses,
        key_prefix=f"{new_id()[-6:]}-",
    )


def _lived(call: TaskCall, around: FlowRunContext | None, tags_around: frozenset[str]) -> Answer:
    run_id, session = call.run.id, call.session
    session.set_run_handler(run_id, _listener(call.scope))
    try:
        with ExitStack() as stack:
            if around is not None:
                stack.enter_context(around.task_runner)
                stack.enter_context(around)
            if tags_around:
                stack.enter_context(tags(*tags_around))
            state = _driven(call, around)
    except BaseException as error:  # noqa: BLE001 - whatever broke off the run, the sender must hear of it
        state = exception_to_crashed_state(error)
        state.state_details.task_run_id = run_id
        state.state_details.flow_run_id = call.run.flow_run_id
    finally:
        session.remove_run_handler(run_id)
    return _reported(call, state)


def _driven(call: TaskCall, around: FlowRunContext | None) -> State:
    life = _life(call, around)
    if iscoroutinefunction(call.task.fn):
        return asyncio.run(adrive(life, call.session))
    return drive(life, call.session)  # type: ignore[no-any-return]


def _life(call: TaskCall, around: FlowRunContext | None) -> Life:
    try:
        return (yield from task_life(call))
    finally:
        if around is not None:
            yield from settle_submitted(around)


def _listener(scope: RunScope) -> Callable[[Command], CommandStage]:
    """What the session calls when the run is taken away."""

    def obey(command: Command) -> CommandStage:
        scope.stop(RunRevoked, command.revoke_run.reason)
        return COMMAND_STAGE_APPLIED

    return obey


def _reported(call: TaskCall, state: State) -> Answer:
    # The flow's end, which goes by another session, must not overtake that of its tasks: all is committed first.
    call.session.flush()
    get_uploader().flush(_LOGS_PATIENCE)
    here = f"on the worker with process id {os.getpid()}"
    if call.scope.signal is RunRevoked or call.session.ended:
        return Answer(gone=f"The run is no longer {here}: {call.scope.reason or 'its session has ended'}")
    never_began = call.run.run_count == 0 and (state.is_cancelled() or state.is_crashed())
    if never_began or not state.is_final():
        # It is still held by the sender, or by somebody else.
        return Answer(gone=f"The run could not begin {here}: {state}")
    return Answer(state=state)
