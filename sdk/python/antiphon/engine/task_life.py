"""How one task run lives, from its announcement to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from antiphon.annotations import NotSet
from antiphon.collections_visit import Upstream
from antiphon.context import TaskRunContext
from antiphon.engine.caching import transaction_of
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
from antiphon.engine.generating import outcome_of
from antiphon.engine.handing_over import fit_to_travel
from antiphon.engine.hooks import contexts_of, run_hooks
from antiphon.engine.keeping import NOT_KEPT, Keeper, kept, report, settled
from antiphon.engine.pauses import Pauses, until_resumed
from antiphon.engine.proposals import (
    is_aborted,
    is_accepted,
    is_put_off,
    propose_task_run,
    state_that_holds,
    task_run_running,
)
from antiphon.engine.reuse import Reuse
from antiphon.engine.scopes import RunScope
from antiphon.engine.transaction_life import TransactionCore
from antiphon.engine.transaction_modes import TransactionState
from antiphon.engine.upstream import inputs, plain
from antiphon.exceptions import (
    ConfigurationError,
    InvalidNameError,
    ResultStorageError,
    RunRevoked,
    UpstreamTaskError,
)
from antiphon.logging.run_loggers import run_logger
from antiphon.parameters import call_args
from antiphon.run_names import render_name
from antiphon.runs import TaskRun
from antiphon.session.session import Session
from antiphon.state_core import State, StateType
from antiphon.state_rules import exception_to_failed_state
from antiphon.telemetry.tracing import spans
from antiphon.v1.task_run_pb2 import TaskRun as TaskRunMessage
from antiphon.v1.transition_pb2 import Proposal, Verdict


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
    #: The transition by which a worker has taken the run from the queue; empty for one that its caller runs.
    claim: str = ""
    #: The run's end was proposed, or the server knows it already.
    told: bool = False
    #: An engine's part that has the run run by another process, and gives its final state.
    elsewhere: "Callable[[TaskCall, dict[str, Any]], Life] | None" = None
    #: Where another process has handed the run over to this one: the claim, and the state that it must still be in.
    fencing_token: int = 0
    handed_over: State | None = None
    #: What the run is part of, once its inputs are there.
    transaction: TransactionCore | None = None
    #: What a generator function yields is its result, since nobody iterates over it.
    gathers: bool = False
    #: The span of who asked for the run, where that was in another process.
    traceparent: str = ""

    @property
    def may_be_announced(self) -> bool:
        """Whether the server can be told of the run before its inputs are there: it has its name, and is not perhaps a
        run of an earlier attempt that has completed already."""
        return not self.unnamed and not (self.reuse is not None and self.reuse.is_open)


def task_life(call: TaskCall) -> Life:
    """An engine: gives the run's final State, or raises what broke off more than the run."""
    tracing = spans()
    life = _task_life(call)
    # The span of a run that another process runs is that one's.
    return tracing.traced(life, call, call.parameters) if tracing is not None and call.elsewhere is None else life


def _task_life(call: TaskCall) -> Life:
    try:
        state: State = yield from to_the_end(
            call,
            _in_transaction(call),
            end=lambda state: _ended(call, state),
            frames=lambda state: (*_take_opening(call), _proposed(call, state)),
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
    if call.elsewhere is not None:
        state: State = yield from call.elsewhere(call, parameters)
        return state if call.told else (yield from _ended(call, state))
    return (yield from _begun(call, parameters))


def _begun(call: TaskCall, parameters: dict[str, Any]) -> Life:
    """Runs it, unless its result is there already."""
    try:
        transaction = transaction_of(
            call.task, call.context, parameters, iterated=call.task.isgenerator and not call.gathers
        )
        yield from transaction.beginning()
    except (InvalidNameError, ConfigurationError, ResultStorageError) as error:
        return (yield from _ended(call, exception_to_failed_state(error)))
    call.transaction = transaction
    if transaction.is_committed():
        return (yield from _ended(call, _cached(call, transaction)))
    return (yield from _run(call, parameters))


def _in_transaction(call: TaskCall) -> Life:
    """Lives the run; where it does not complete, all that belongs to its transaction is rolled back."""
    try:
        state: State = yield from _live(call)
    except GeneratorExit:
        # A coroutine that is being closed cannot wait for hooks.
        if call.transaction is not None:
            call.transaction.unlock()
        raise
    except BaseException:
        if call.transaction is not None:
            yield from call.transaction.ending(failed=True)
        raise
    transaction = call.transaction
    if transaction is not None and not state.is_completed():
        yield from transaction.ending(failed=True)
    elif transaction is not None and transaction.is_active():
        # The server had an end for the run before its code was called, so there is nothing to commit.
        transaction.unlock()
    return state


def _cached(call: TaskCall, transaction: TransactionCore) -> State:
    """The end of a run whose result was there before it began."""
    record, store = transaction.read(), transaction.store
    assert record is not None and store is not None
    state: State = State(StateType.COMPLETED, "Cached", data=record.reference(store.storage.url))
    return state.keep(record.result) if call.context.result_options.in_memory else state


def _run(call: TaskCall, parameters: dict[str, Any]) -> Life:
    opening = _take_opening(call)
    verdict: Verdict = yield from _let_in(call, (*opening, _running(call, call.handed_over)))
    if call.claim and is_aborted(verdict):
        # It is another worker's by now, or was cancelled in the queue: none of this one's business.
        return state_that_holds(verdict)
    while is_accepted(verdict):
        call.run.started(verdict.run_count)
        if call.claim or call.task.on_running_hooks:
            call.run.state = state_that_holds(verdict)
        if call.task.on_running_hooks:
            arguments = (call.task, call.run, call.run.state)
            yield from run_hooks(call.task.on_running_hooks, arguments, call.context)
        state: State = yield from _attempt(call, parameters)
        if not (state.is_failed() and call.task.retries):
            return (yield from _ended(call, state))
        yield from _judge_retry(call, state)
        verdict = yield Send((_proposed(call, state),), wait=True)
        if is_accepted(verdict):
            return (yield from _ended(call, state, told=True))
        held = state_that_holds(verdict)
        if held.name != AWAITING_RETRY:
            return (yield from _ended(call, held, told=True))
        run_logger(call.context).warning("Task run failed, %s: %s", verdict.reason, state.message)
        if call.claim:
            return held  # It waits in the queue, for any worker.
        verdict = yield from _let_in(call, (_running(call, held),), call.scope)
    return (yield from _ended(call, state_that_holds(verdict), told=True))


def _proposed(call: TaskCall, state: State) -> Proposal:
    return propose_task_run(call.run.id, state, token=call.fencing_token)


def _running(call: TaskCall, after: State | None) -> Proposal:
    return task_run_running(call.run.id, after=after, token=call.fencing_token, claim=call.claim)


def _let_in(call: TaskCall, frames: tuple[Body, ...], scope: RunScope | None = None) -> Life:
    """Asks for RUNNING and gives the verdict. A run that is put off because its flow run is paused asks again when that
    was resumed."""
    ended = call.pauses.ended if call.pauses is not None else 0
    verdict: Verdict = yield Send(frames, wait=True, scope=scope)
    while call.pauses is not None and is_put_off(verdict):
        if not (yield from until_resumed(call.pauses, call.scope, ended)):
            break
        ended = call.pauses.ended
        held = state_that_holds(verdict) if call.handed_over is not None else None
        verdict = yield Send((_running(call, held),), wait=True, scope=call.scope)
    return verdict


def _attempt(call: TaskCall, parameters: dict[str, Any]) -> Life:
    """Calls the user's code once; gives the state that it leads to."""
    if call.transaction is not None and call.transaction.is_rolled_back():
        yield from call.transaction.beginning_anew()
    the_call = _the_call(call, parameters)
    outcome: Outcome = yield from outcome_of(call.task, partial(_calling, call), the_call, gathers=call.gathers)
    if outcome.error is not None and is_crash(outcome):
        raise outcome.error
    task, transaction = call.task, call.transaction
    assert transaction is not None
    keeper = Keeper(call.context.result_options, transaction.store, transaction.key, task.cache_expiration)
    state: State = yield from final_state(outcome, call, keeper, noun="Task run", timeout=task.timeout_seconds)
    if call.handed_over is not None and keeper.record is None:
        state = fit_to_travel(state)
    if not state.is_completed():
        return state
    return (yield from _staged(call, transaction, keeper, state))


def _staged(call: TaskCall, transaction: TransactionCore, keeper: Keeper, state: State) -> Life:
    """Commits what belongs to a run that has completed, or leaves it to the transaction around; gives the state."""
    if keeper.problem is not None:
        report(keeper, run_logger(call.context))
    record = keeper.record
    if record is not None and transaction.key is None:
        # Nobody else looks for it, so it need not wait for a commit.
        state = yield from kept(state, keeper, run_logger(call.context))
        if not state.is_completed():
            return state
    task = call.task
    transaction.stage(
        record if transaction.key is not None and record is not None else NotSet,
        task.on_rollback_hooks,
        task.on_commit_hooks,
    )
    if transaction.parent is not None:
        # The run had completed, and does not count any more.
        undone = State(StateType.COMPLETED, "RolledBack", message="Rolled back with its transaction.", data=state.data)
        transaction.undoing = (_proposed(call, undone),)
    elif transaction.is_plain:
        transaction.state = TransactionState.COMMITTED
        return settled(state, keeper)
    yield from transaction.ending(failed=False)
    if transaction.write_error is not None:
        return exception_to_failed_state(transaction.write_error, message=NOT_KEPT)
    return settled(state, keeper) if transaction.is_committed() else state


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
    return _calling(call, call.task.fn, args, kwargs, call.task.timeout_seconds)


def _calling(
    call: TaskCall, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], timeout: float | None
) -> Call:
    """The effect that calls code of the run's."""
    assert call.transaction is not None
    contexts = (*contexts_of(call.context), call.transaction.as_active())
    return Call(function, args, kwargs, call.scope, contexts, timeout)


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
        run_logger(call.context).error(
            "The retry condition raised %r; there is no retry.", outcome.error, exc_info=outcome.error
        )
    if outcome.error is not None or not outcome.value:
        state.state_details.retriable = False


def _not_ready(call: TaskCall, error: UpstreamTaskError) -> Life:
    state = not_ready(error)
    state.state_details.task_run_id = call.run.id
    run_logger(call.context).warning("Task run is not ready: %s", error)
    yield Send((*_take_opening(call), _proposed(call, state)), wait=False)
    return state


def _ended(call: TaskCall, state: State, *, told: bool = False) -> Life:
    """Tells the server unless it knows, runs the hooks that fit, and gives the state.

    In a flow the answer is not waited for: the flow's own end is, and that comes after this one on the same stream. Nor
    in a worker, which waits for all of them at its own end.
    """
    if not told and call.scope.signal is not RunRevoked:
        alone = call.run.flow_run_id is None and not call.claim
        yield Send((*_take_opening(call), _proposed(call, state)), wait=alone)
    state.state_details.task_run_id = call.run.id
    state.state_details.flow_run_id = call.run.flow_run_id
    call.run.state = state
    call.told = True
    task = call.task
    hooks = task.on_completion_hooks if state.is_completed() else task.on_failure_hooks if state.is_failed() else ()
    if state.is_failed() or state.is_crashed():
        run_logger(call.context).error("Finished in state %s", state)
    if hooks:
        yield from run_hooks(hooks, (task, call.run, state), call.context)
    return state
