"""How one flow run lives, from its creation to its end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from antiphon.context import FlowRunContext
from antiphon.engine.effects import Await, Body, Call, Life, Outcome, Send
from antiphon.engine.ending import AWAITING_RETRY, final_state, is_crash, not_ready, to_the_end
from antiphon.engine.generating import outcome_of
from antiphon.engine.hooks import contexts_of, run_hooks
from antiphon.engine.keeping import Keeper, kept
from antiphon.engine.pauses import Pauses
from antiphon.engine.proposals import (
    flow_run_pending,
    flow_run_running,
    is_aborted,
    is_accepted,
    propose_flow_run,
    state_that_holds,
)
from antiphon.engine.scopes import RunScope, set_apart
from antiphon.exceptions import AntiphonException, Pause, RunCancelled, RunRevoked, UpstreamTaskError
from antiphon.logging.run_loggers import run_logger
from antiphon.parameters import call_args
from antiphon.runs import FlowRun
from antiphon.session.session import Session
from antiphon.state_core import State, StateType
from antiphon.state_rules import exception_to_failed_state
from antiphon.telemetry.tracing import spans
from antiphon.v1 import session_pb2
from antiphon.v1.transition_pb2 import Verdict


@dataclass(slots=True)
class FlowCall:
    """One call of a flow: the run that it makes, and what it is called with."""

    #: The Flow. Typed Any, since that module stands above this one.
    flow: Any
    run: FlowRun
    context: FlowRunContext
    session: Session
    scope: RunScope
    parent_scope: RunScope | None
    #: Frames that tell the server of the run and are not sent yet.
    opening: tuple[Body, ...]
    #: Why the arguments do not fit, or are not there, if so.
    unfit: AntiphonException | None = None
    #: The run's end was proposed, or the server knows it already.
    told: bool = False
    #: That of the claim which a worker has handed over with a run that is PENDING; 0 where the run begins here.
    token: int = 0
    #: Called when the run is RUNNING for the first time.
    begun: Callable[[], object] | None = None
    #: The span of who asked for the run, where that was in another process.
    traceparent: str = ""


def flow_life(call: FlowCall) -> Life:
    """An engine: gives the run's final State, or raises what broke off more than the run."""
    tracing = spans()
    life = _flow_life(call)
    return tracing.traced(life, call, call.run.parameters) if tracing is not None else life


def _flow_life(call: FlowCall) -> Life:
    call.session.set_run_handler(call.run.id, _listener(call.scope, call.context.pauses))
    try:
        return (
            yield from to_the_end(
                call,
                _live(call),
                end=lambda state: _ended(call, state),
                frames=lambda state: (propose_flow_run(call.run.id, state, token=call.token),),
            )
        )
    finally:
        call.session.remove_run_handler(call.run.id)
        if call.parent_scope is not None:
            call.parent_scope.release(call.scope)


def _listener(scope: RunScope, pauses: Pauses) -> Callable[[session_pb2.Command], session_pb2.CommandStage]:
    """What the session calls when the server wants something of the run."""

    def obey(command: session_pb2.Command) -> session_pb2.CommandStage:
        kind = command.WhichOneof("body")
        if kind == "pause_run":
            pauses.begin(command.pause_run.state_id)
        elif kind == "resume_run":
            pauses.go_on(command.resume_run.state_id)
        elif kind == "suspend_run":
            pauses.suspended(command.suspend_run.state_id, command.suspend_run.reason)
        elif kind == "revoke_run":
            scope.stop(RunRevoked, command.revoke_run.reason)
        else:
            scope.stop(RunCancelled, command.cancel_run.reason)
        return session_pb2.COMMAND_STAGE_APPLIED

    return obey


def _live(call: FlowCall) -> Life:
    flow, run = call.flow, call.run
    logger = run_logger(call.context)
    opening = call.opening if call.token else (*call.opening, flow_run_pending(run.id))
    if call.unfit is not None:
        yield Send(opening, wait=False)
        if isinstance(call.unfit, UpstreamTaskError):
            return (yield from _not_ready(call, call.unfit))
        return (yield from _ended(call, exception_to_failed_state(call.unfit)))
    verdict: Verdict = yield Send((*opening, flow_run_running(run.id, token=call.token)), wait=True)
    if not call.opening and is_aborted(verdict):
        return _not_ours(call, verdict)
    logger.info("Beginning flow run %r for flow %r", run.name, flow.name)
    if call.begun is not None and is_accepted(verdict):
        call.begun()
    return (yield from _attempts(call, verdict))


def _attempts(call: FlowCall, verdict: Verdict) -> Life:
    """Calls the user's code as often as the policy says. `verdict` is that on the first RUNNING."""
    flow, run, context = call.flow, call.run, call.context
    while is_accepted(verdict):
        run.started(verdict.run_count)
        context.run_count = run.run_count
        context.dynamic_keys.clear()
        context.submitted.clear()
        if flow.on_running_hooks:
            run.state = state_that_holds(verdict)
            yield from run_hooks(flow.on_running_hooks, (flow, run, run.state), context)
        state: State = yield from _attempt(call)
        left_for = context.pauses.left_for
        if left_for is not None:
            return (yield from _ended(call, state if state.type == left_for.type else left_for, told=True))
        if not (state.is_failed() and flow.retries):
            return (yield from _ended(call, state))
        verdict = yield Send((propose_flow_run(run.id, state),), wait=True)
        if is_accepted(verdict):
            return (yield from _ended(call, state, told=True))
        held = state_that_holds(verdict)
        if held.name != AWAITING_RETRY:
            return (yield from _overruled(call, held))
        run_logger(context).warning("Flow run failed, %s: %s", verdict.reason, state.message)
        verdict = yield Send((flow_run_running(run.id, after=held),), wait=True, scope=call.scope)
    return (yield from _overruled(call, state_that_holds(verdict)))


def _not_ours(call: FlowCall, verdict: Verdict) -> State:
    """The claim is over, or the run, which was there before, is somebody else's: nothing is said of it, and no hook is
    called."""
    call.told = True
    run_logger(call.context).info("Flow run %r does not begin here: %s", call.run.name, verdict.reason)
    return state_that_holds(verdict)


def _not_ready(call: FlowCall, error: UpstreamTaskError) -> Life:
    state = not_ready(error)
    state.state_details.flow_run_id = call.run.id
    run_logger(call.context).warning("Flow run is not ready: %s", error)
    yield Send((propose_flow_run(call.run.id, state),), wait=True)
    return state


def _attempt(call: FlowCall) -> Life:
    """Calls the user's code once; gives the state that it leads to."""
    # The task runner stays open behind the flow's code: what was submitted may submit more.
    with ExitStack() as left_open:
        calling = partial(_calling, call, _Opening(call.context.task_runner, left_open))
        args, kwargs = call_args(call.flow.fn, call.context.parameters)
        first = calling(call.flow.fn, args, kwargs, call.flow.timeout_seconds)
        outcome: Outcome = yield from outcome_of(call.flow, calling, first)
        suspended = isinstance(outcome.error, Pause)
        if outcome.timed_out or (is_crash(outcome) and not suspended):
            call.scope.stop_children(RunCancelled, "the flow run around it ended early")
        yield from settle_submitted(call.context)
        if not (outcome.timed_out or outcome.stopped or is_crash(outcome)):
            yield from _out_of_pauses(call)
    if suspended and call.context.pauses.left_for is not None:
        return call.context.pauses.left_for
    if outcome.error is not None and is_crash(outcome):
        raise outcome.error
    keeper = Keeper(call.context.result_options)
    state: State = yield from final_state(outcome, call, keeper, noun="Flow run", timeout=call.flow.timeout_seconds)
    return (yield from kept(state, keeper, run_logger(call.context)))


def _out_of_pauses(call: FlowCall) -> Life:
    """A run that somebody else has paused does not end before it was resumed."""
    while (hold := call.context.pauses.current) is not None:
        yield Await([hold], call.scope)


class _Opening:
    """Opens the task runner at the first call of the flow's code, which may be called many times."""

    def __init__(self, task_runner: Any, left_open: ExitStack) -> None:
        self._task_runner = task_runner
        self._left_open = left_open

    @contextmanager
    def once(self) -> Iterator[None]:
        task_runner, self._task_runner = self._task_runner, None
        if task_runner is not None:
            self._left_open.enter_context(task_runner)
        yield


def _calling(
    call: FlowCall,
    opening: _Opening,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    timeout: float | None,
) -> Call:
    """The effect that calls code of the run's."""
    return Call(function, args, kwargs, call.scope, contexts_of(call.context), timeout, opening.once())


def settle_submitted(context: FlowRunContext) -> Life:
    """What was submitted ends before the flow does, whoever asked for its result, and so does what that submits."""
    # Stopped tasks end by themselves; the scope that stops them must not cut the wait for it short.
    submitted = context.submitted
    with set_apart(context.scope) as scope:
        while submitted:
            seen = list(submitted)
            pending = [each for each in seen if not each.state.is_final()]
            if pending:
                yield Await(pending, scope)
            submitted.difference_update(seen)


def _ended(call: FlowCall, state: State, *, told: bool = False) -> Life:
    """Tells the server unless it knows, and waits until it has committed all that the run did; runs the hooks that
    fit, and gives the state."""
    if call.scope.signal is RunRevoked:
        state = call.context.pauses.left_for or State(StateType.CRASHED, message=call.scope.reason)
    elif not told:
        verdict: Verdict = yield Send((propose_flow_run(call.run.id, state, token=call.token),), wait=True)
        if not is_accepted(verdict):
            held = state_that_holds(verdict)
            if held.is_running() and not state.is_failed():
                # Nothing runs any more, so that cannot be what holds in the end.
                message = f"The flow run could not end as {state!r}: {verdict.reason}"
                return (yield from _ended(call, State(StateType.FAILED, message=message)))
            return (yield from _overruled(call, held))
    state.state_details.flow_run_id = call.run.id
    call.run.state = state
    call.told = True
    logger = run_logger(call.context)
    (logger.info if state.is_completed() or state.is_paused() else logger.error)("Finished in state %s", state)
    yield from run_hooks(_hooks_for(call.flow, state), (call.flow, call.run, state), call.context)
    return state


def _overruled(call: FlowCall, held: State) -> Life:
    """The server holds the run in another state than was proposed: that one counts. A request to cancel, which came
    as the run went on or ended, is confirmed."""
    if held.is_cancelling():
        held = State(StateType.CANCELLED, message=call.scope.reason or held.message)
        yield Send((propose_flow_run(call.run.id, held),), wait=True)
    return (yield from _ended(call, held, told=True))


def _hooks_for(flow: Any, state: State) -> tuple[Callable[..., Any], ...]:
    hooks = {
        StateType.COMPLETED: flow.on_completion_hooks,
        StateType.FAILED: flow.on_failure_hooks,
        StateType.CANCELLED: flow.on_cancellation_hooks,
        StateType.CRASHED: flow.on_crashed_hooks,
    }
    return tuple(hooks.get(state.type, ()))
