"""From what user code did to the state that its run should end in; the same for flows and tasks."""

from asyncio import CancelledError
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from antiphon.collections_visit import find_futures
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine.effects import Await, Body, Life, Outcome, Send
from antiphon.engine.interrupts import RunTimeout
from antiphon.engine.keeping import Keeper
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonException, AntiphonSignal, ServerError, TerminationSignal, UpstreamTaskError
from antiphon.logging.run_loggers import run_logger
from antiphon.runs import FlowRun, TaskRun
from antiphon.state_core import State, StateType
from antiphon.state_rules import exception_to_crashed_state, exception_to_failed_state, return_value_to_state

#: The name of the state in which a failed run waits to be tried again.
AWAITING_RETRY = "AwaitingRetry"
#: And of that in which a run stays whose inputs cannot come.
NOT_READY = "NotReady"
#: How the names of modules begin whose frames stand between a caller and the code of a run.
_ENGINE = ("antiphon.", "asyncio.", "contextlib")


def is_interrupt(error: BaseException) -> bool:
    """Whether the error breaks off more than the code that it was raised in."""
    return not isinstance(error, Exception) or isinstance(error, RunTimeout)


def is_stop(error: BaseException, scope: RunScope) -> bool:
    """Whether the error is how word reached the code that the run was stopped. Where the process is to end, the run
    is not stopped but broken off."""
    return scope.signal not in (None, TerminationSignal) and isinstance(error, AntiphonSignal | CancelledError)


def is_crash(outcome: Outcome) -> bool:
    """Whether the error broke off more than the user's code: it must go on to whoever called the run."""
    error = outcome.error
    if error is None or outcome.timed_out or outcome.stopped:
        return False
    return is_interrupt(error)


class Told(Protocol):
    """A call of a flow or a task, as far as bringing it to its end goes."""

    #: The run's end was proposed, or the server knows it already.
    told: bool

    @property
    def run(self) -> FlowRun | TaskRun: ...

    @property
    def context(self) -> FlowRunContext | TaskRunContext: ...

    @property
    def scope(self) -> RunScope: ...


def final_state(outcome: Outcome, call: Told, keeper: Keeper, *, noun: str, timeout: float | None) -> Life:
    """An engine's part: gives the State that code which was not broken off leads to. Futures in the result are waited
    for; `keeper` has the record that is to be written for it, if there is one. The run's log gets an exception's
    traceback."""
    error, scope = outcome.error, call.scope
    if outcome.timed_out:
        message = f"{noun} exceeded timeout of {timeout} second(s)"
        return exception_to_failed_state(TimeoutError(message), name="TimedOut")
    if outcome.stopped:
        return cancelled(scope)
    if error is not None:
        trace = _from_user_code(error.__traceback__)
        run_logger(call.context).error("%s raised an exception:", noun, exc_info=(type(error), error, trace))
        return exception_to_failed_state(error)
    try:
        futures = find_futures(outcome.value)
        if futures:
            yield Await(futures, scope)
        state = return_value_to_state(
            outcome.value, keeper, persist_result=keeper.options.persist, key=keeper.storage_key
        )
    except AntiphonSignal as signal:
        if not is_stop(signal, scope):
            raise
        return cancelled(scope)
    except AntiphonException as problem:
        return exception_to_failed_state(problem, message="The result could not be kept")
    if not state.is_final() and not state.is_paused():
        message = f"{noun} cannot end as {state!r}, which its function returned: that is no final state."
        return State(StateType.FAILED, message=message)
    return state


def _from_user_code(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the engine's frames that it begins with; all of it where nothing else is there."""
    part = trace
    while part is not None and part.tb_frame.f_globals.get("__name__", "").startswith(_ENGINE):
        part = part.tb_next
    return part or trace


def not_ready(error: UpstreamTaskError) -> State:
    return State(StateType.PENDING, NOT_READY, message=str(error))


def cancelled(scope: RunScope) -> State:
    return State(StateType.CANCELLED, message=scope.reason or None)


def to_the_end(
    call: Told, life: Life, *, end: Callable[[State], Life], frames: Callable[[State], tuple[Body, ...]]
) -> Life:
    """An engine's part: lives `life`, and brings the run to its end where that was stopped or broken off. `end` tells
    the server and all who want to know, `frames` only makes what tells the server."""
    try:
        return (yield from life)
    except BaseException as error:
        if is_stop(error, call.scope):
            # What had ended before keeps its end.
            return call.run.state if call.told else (yield from end(cancelled(call.scope)))
        if not call.told:
            yield from _crashed(call, error, end, frames)
        raise


def _crashed(
    call: Told, error: BaseException, end: Callable[[State], Life], frames: Callable[[State], tuple[Body, ...]]
) -> Life:
    """Something broke off the run's code, or the engine while it waited."""
    state = exception_to_crashed_state(TerminationSignal() if call.scope.signal is TerminationSignal else error)
    if isinstance(error, GeneratorExit) or not is_interrupt(error):
        # A coroutine that is being closed cannot wait. And where the server's refusal or its absence is the reason,
        # there is no use in waiting for an answer.
        yield Send(frames(state), wait=False)
        return
    try:
        yield from end(state)
    except ServerError as problem:
        # What broke off the run is what its caller must hear of.
        run_logger(call.context).warning("The server could not be told that the run has crashed: %s", problem)
