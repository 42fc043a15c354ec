"""How one task run lives, from its announcement to its end."""

from dataclasses import dataclass
from typing import Any

from antiphon.collections_visit import Upstream
from antiphon.context import TaskRunContext
from antiphon.engine.effects import Body, Call, Life, Outcome, Send
from antiphon.engine.ending import (
    AWAITING_RETRY,
    cancelled,
    final_state,
    is_crash,
    is_interrupt,
    not_ready,
    to_the_end,
)
from antiphon.engine.hooks import contexts_of, run_hooks
from antiphon.engine.pauses import Pauses, until_resumed
from antiphon.engine.proposals import is_accepted, is_put_off, propose_task_run, state_that_holds, task_run_running
from antiphon.engine.reuse import Reuse
from antiphon.engine.scopes import RunScope
from antiphon.engine.upstream import inputs, plain
from antiphon.exceptions import InvalidNameError, RunRevoked, UpstreamTaskError
from antiphon.logging.loggers import task_run_logger
from antiphon.parameters import call_args
from antiphon.run_names import render_name
from antiphon.runs import TaskRun
from antiphon.session.session import Session
from antiphon.state_core import State
from antiphon.state_rules import exception_to_failed_state
from antiphon.v1.task_run_pb2 import TaskRun as TaskRunMessage
from antiphon.v1.transition_pb2 import Verdict


@dataclass(slots=True)
class TaskCall:
    """One call of a task: the run that it makes, and what it is called with."""

    #: The Task. Typed Any, since that module stands above this one.
    task: Any
    run: TaskRun
    context: TaskRunContext
    #: As given, with futures, states and annotations.
    parameters: dict[str, Any]
    wait_for: list[Any]
    #: The futures and states in both.
    upstream: list[Upstream]
    session: Session
    scope: RunScope
    parent_scope: RunScope | None
    #: Frames that tell the server of the run and are not sent yet.
    opening: tuple[Body, ...]
    #: Those of the flow run around it, if there is one.
    pauses: Pauses | None = None
    #: The run's name is made of results that are not there yet; the server is told of the run once it has a name.
    unnamed: bool = False
    #: The memory of earlier attempts of the flow run, where it has retries.
    reuse: Reuse | None = None
    #: The run's end was proposed, or the server knows it already.
    told: bool = False

    @property
    def may_be_announced(self) -> bool:
        """Whether the server can be told of the run before its inputs are there: it has its name, and is not perhaps a
        run of an earlier attempt that has completed already."""
        return not self.unnamed and not (self.reuse is not None and self.reuse.is_open)


def task_life(call: TaskCall) -> Life:
    """An engine: gives the run's final State, or raises what broke off more than the run."""
    try:
        state: State = yield from to_the_end(
            call,
            _live(call),
            end=lambda state: _ended(call, state),
            frames=lambda state: (*_take_opening(call), propose_task_run(call.run.id, state)),
        )
        call.run.state = state
        if call.reuse is not None:
            call.reuse.keep(call.run.id, state)
        return state
    finally:
        if call.parent_scope is not None:
            call.parent_scope.release(call.scope)


def _taken_over(call: TaskCall) -> State | None:
    """The end of a run of an earlier attempt that stands for this call too."""
    state = call.reuse.state if call.reuse is not None else None
    if state is not None:
        call.run.id = state.state_details.task_run_id or call.run.id
    return state


def _live(call: TaskCall) -> Life:
    taken_over = _taken_over(call)
    if taken_over is not None:
        return taken_over
    try:
        parameters: dict[str, Any] = yield from _inputs(call)
    except UpstreamTaskError as error:
        if call.scope.signal is not None:
            return (yield from _ended(call, cancelled(call.scope)))
        return (yield from _not_ready(call, error))
    except InvalidNameError as error:
        return (yield from _ended(call, exception_to_failed_state(error)))
    if call.reuse is not None and not call.reuse.knows_inputs:
        call.reuse.know_inputs(parameters)
        earlier = _taken_over(call)
        if earlier is not None:
            return earlier
    if call.scope.signal is not None:
        return (yield from _ended(call, cancelled(call.scope)))
    return (yield from _run(call, parameters))


def _run(call: TaskCall, parameters: dict[str, Any]) -> Life:
    opening = _take_opening(call)
    verdict: Verdict = yield from _let_in(call, (*opening, task_run_running(call.run.id)))
    while is_accepted(verdict):
        call.run.started(verdict.run_count)
        if call.task.on_running_hooks:
            call.run.state = state_that_holds(verdict)
            arguments = (call.task, call.run, call.run.state)
            yield from run_hooks(call.task.on_running_hooks, arguments, call.context)
        state: State = yield from _attempt(call, parameters)
        if not (state.is_failed() and call.task.retries):
            return (yield from _ended(call, state))
        yield from _judge_retry(call, state)
        verdict = yield Send((propose_task_run(call.run.id, state),), wait=True)
        if is_accepted(verdict):
            return (yield from _ended(call, state, told=True))
        held = state_that_holds(verdict)
        if held.name != AWAITING_RETRY:
            return (yield from _ended(call, held, told=True))
        task_run_logger(call.context).warning("Task run failed, %s: %s", verdict.reason, state.message)
        verdict = yield from _let_in(call, (task_run_running(call.run.id, after=held),), call.scope)
    return (yield from _ended(call, state_that_holds(verdict), told=True))


def _let_in(call: TaskCall, frames: tuple[Body, ...], scope: RunScope | None = None) -> Life:
    """Asks for RUNNING and gives the verdict. A run that is put off because its flow run is paused asks again when that
    was resumed."""
    ended = call.pauses.ended if call.pauses is not None else 0
    verdict: Verdict = yield Send(frames, wait=True, scope=scope)
    while call.pauses is not None and is_put_off(verdict):
        if not (yield from until_resumed(call.pauses, call.scope, ended)):
            break
        ended = call.pauses.ended
        verdict = yield Send((task_run_running(call.run.id),), wait=True, scope=call.scope)
    return verdict


def _attempt(call: TaskCall, parameters: dict[str, Any]) -> Life:
    """Calls the user's code once; gives the state that it leads to."""
    outcome: Outcome = yield _the_call(call, parameters)
    if outcome.error is not None and is_crash(outcome):
        raise outcome.error
    state: State = yield from final_state(
        outcome,
        call.scope,
        noun="Task run",
        timeout=call.task.timeout_seconds,
        persist_result=call.context.persist_result,
    )
    return state


def _inputs(call: TaskCall) -> Life:
    """What the function is called with: results stand in place of futures, which are waited for, and of states."""
    if not call.upstream:
        return plain(call.parameters)
    if call.opening and call.may_be_announced:
        yield Send(_take_opening(call), wait=False)
    parameters: dict[str, Any] = yield from inputs(call.parameters, call.wait_for, call.upstream, call.scope)
    if call.unnamed:
        _name(call, parameters)
    return parameters


def _name(call: TaskCall, parameters: dict[str, Any]) -> None:
    name = render_name(call.task.task_run_name, parameters, call.run.name)
    call.run.name = call.context.task_run_name = name
    for body in call.opening:
        if isinstance(body, TaskRunMessage):
            body.name = name


def _take_opening(call: TaskCall) -> tuple[Body, ...]:
    opening, call.opening = call.opening, ()
    return opening


def _the_call(call: TaskCall, parameters: dict[str, Any]) -> Call:
    args, kwargs = call_args(call.task.fn, parameters)
    call.context.parameters = parameters
    call.context.run_count = call.run.run_count
    return Call(call.task.fn, args, kwargs, call.scope, contexts_of(call.context), call.task.timeout_seconds)


def _judge_retry(call: TaskCall, state: State) -> Life:
    """Asks the user's condition whether a retry makes sense, and notes a no on the state."""
    condition = call.task.retry_condition_fn
    if condition is None:
        return
    arguments = (call.task, call.run, state)
    outcome: Outcome = yield Call(condition, arguments, {}, call.scope, contexts_of(call.context))
    if outcome.error is not None and (outcome.stopped or is_interrupt(outcome.error)):
        raise outcome.error
    if outcome.error is not None:
        task_run_logger(call.context).error(
            "The retry condition raised %r; there is no retry.", outcome.error, exc_info=outcome.error
        )
    if outcome.error is not None or not outcome.value:
        state.state_details.retriable = False


def _not_ready(call: TaskCall, error: UpstreamTaskError) -> Life:
    state = not_ready(error)
    state.state_details.task_run_id = call.run.id
    task_run_logger(call.context).warning("Task run is not ready: %s", error)
    yield Send((*_take_opening(call), propose_task_run(call.run.id, state)), wait=False)
    return state


def _ended(call: TaskCall, state: State, *, told: bool = False) -> Life:
    """Tells the server unless it knows, runs the hooks that fit, and gives the state.

    In a flow the answer is not waited for: the flow's own end is, and that comes after this one on the same stream.
    """
    if not told and call.scope.signal is not RunRevoked:
        alone = call.run.flow_run_id is None
        yield Send((*_take_opening(call), propose_task_run(call.run.id, state)), wait=alone)
    state.state_details.task_run_id = call.run.id
    state.state_details.flow_run_id = call.run.flow_run_id
    call.run.state = state
    call.told = True
    task = call.task
    hooks = task.on_completion_hooks if state.is_completed() else task.on_failure_hooks if state.is_failed() else ()
    if state.is_failed() or state.is_crashed():
        task_run_logger(call.context).error("Finished in state %s", state)
    if hooks:
        yield from run_hooks(hooks, (task, call.run, state), call.context)
    return state
