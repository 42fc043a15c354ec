"""From what user code did to the state that its run should end in; the same for flows and tasks."""

from asyncio import CancelledError

from antiphon.collections_visit import find_futures
from antiphon.engine.effects import Await, Life, Outcome
from antiphon.engine.interrupts import RunTimeout
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonException, AntiphonSignal, UpstreamTaskError
from antiphon.results import ResultStore
from antiphon.state_core import State, StateType
from antiphon.state_rules import exception_to_failed_state, return_value_to_state

#: The name of the state in which a failed run waits to be tried again.
AWAITING_RETRY = "AwaitingRetry"
#: And of that in which a run stays whose inputs cannot come.
NOT_READY = "NotReady"


def is_interrupt(error: BaseException) -> bool:
    """Whether the error breaks off more than the code that it was raised in."""
    return not isinstance(error, Exception) or isinstance(error, RunTimeout)


def is_stop(error: BaseException, scope: RunScope) -> bool:
    """Whether the error is how word reached the code that the run was stopped."""
    return scope.signal is not None and isinstance(error, AntiphonSignal | CancelledError)


def is_crash(outcome: Outcome) -> bool:
    """Whether the error broke off more than the user's code: it must go on to whoever called the run."""
    error = outcome.error
    if error is None or outcome.timed_out or outcome.stopped:
        return False
    return is_interrupt(error)


def final_state(
    outcome: Outcome, scope: RunScope, *, noun: str, timeout: float | None, persist_result: bool | None
) -> Life:
    """An engine's part: gives the State that code which was not broken off leads to. Futures in the result are waited
    for."""
    error = outcome.error
    if outcome.timed_out:
        message = f"{noun} exceeded timeout of {timeout} second(s)"
        return exception_to_failed_state(TimeoutError(message), name="TimedOut")
    if outcome.stopped:
        return cancelled(scope)
    if error is not None:
        return exception_to_failed_state(error)
    try:
        futures = find_futures(outcome.value)
        if futures:
            yield Await(futures, scope)
        return return_value_to_state(outcome.value, ResultStore(), persist_result=persist_result)
    except AntiphonSignal:
        return cancelled(scope)
    except AntiphonException as problem:
        return exception_to_failed_state(problem, message="The result could not be kept")


def not_ready(error: UpstreamTaskError) -> State:
    return State(StateType.PENDING, NOT_READY, message=str(error))


def cancelled(scope: RunScope) -> State:
    return State(StateType.CANCELLED, message=scope.reason or None)
