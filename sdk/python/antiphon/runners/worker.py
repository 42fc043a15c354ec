"""The worker's part of how a task run lives that another process has submitted.

Runs here speak to the server by the session of this process: `get_session()` opens it with the first of them, and all
that follow share it, so there is one a worker process and never one a task. It ends with the process.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import copy_context

from antiphon.annotations import quote
from antiphon.context import FlowRunContext, TaskRunContext, tags
from antiphon.engine.drivers import drive_in_thread
from antiphon.engine.effects import Life
from antiphon.engine.flow_life import settle_submitted
from antiphon.engine.scopes import RunScope
from antiphon.engine.task_life import TaskCall, task_life
from antiphon.exceptions import AntiphonException, RunRevoked
from antiphon.ids import new_id
from antiphon.logging import setup_logging
from antiphon.runners.answers import Answer, pack_answer
from antiphon.runners.followed_pauses import FollowedPauses
from antiphon.runners.luggage import Luggage, unpack_call, unpack_flow, unpack_parameters, unpack_task
from antiphon.runners.threads import ThreadPoolTaskRunner
from antiphon.runs import FlowRun
from antiphon.session.registry import get_session, get_uploader
from antiphon.session.session import Session
from antiphon.settings import get_current_settings
from antiphon.settings.current import SettingsContext, replace_root
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
            # They are those of the process on whose behalf this one works.
            replace_root(SettingsContext(luggage.settings))
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
    context = TaskRunContext(task=task, scope=own_scope, task_run=run, **luggage.facts)
    return TaskCall(
        task=task,
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
        gathers=task.isgenerator,
        traceparent=luggage.traceparent,
    )


def _flow_context(packed: bytes, call: TaskCall, session: Session) -> FlowRunContext:
    """The flow run around, as far as this process is concerned. What a task submits in turn runs in threads here."""
    facts = unpack_flow(packed)
    names = ("parameters", "run_count", "flow_name")
    flow_run = FlowRun(
        id=facts["flow_run_id"],
        name=facts["flow_run_name"],
        tags=sorted(facts["tags"]),
        **{name: facts[name] for name in names},
    )
    return FlowRunContext(
        **facts,
        flow=None,
        flow_run=flow_run,
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
            state = drive_in_thread(_life(call, around), call.session, isasync=call.task.isasync)
    except BaseException as error:  # noqa: BLE001 - whatever broke off the run, the sender must hear of it
        state = exception_to_crashed_state(error)
        state.state_details.task_run_id = run_id
        state.state_details.flow_run_id = call.run.flow_run_id
    finally:
        session.remove_run_handler(run_id)
    return _reported(call, state)


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
