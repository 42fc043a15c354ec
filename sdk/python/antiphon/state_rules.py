"""How a run ended: from what its function returned, or the exception that left it, to its final state."""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any, Final, Protocol

from antiphon.collections_visit import resolve
from antiphon.exception_payloads import encode_exception, format_exception
from antiphon.exceptions import AntiphonException, MissingResult, RunRevoked, TerminationSignal
from antiphon.future_protocol import FutureLike, is_future
from antiphon.result_store import ResultStore
from antiphon.state_core import State, StateDetails, StateType
from antiphon.v1.payload_pb2 import Payload

#: Types of results that hold no state and no future, told at a glance.
_PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes})


class Persists(Protocol):
    """What keeps a value: a ResultStore, or something in front of one."""

    def persist(self, value: Any, *, persist_result: bool | None, key: str | None = None) -> Payload | None: ...


class StateGroup:
    """States counted by type."""

    def __init__(self, states: Iterable[State]) -> None:
        self.states = list(states)
        self.total_count = len(self.states)
        types = [state.type for state in self.states]
        self.cancelled_count = types.count(StateType.CANCELLED)
        self.paused_count = types.count(StateType.PAUSED)
        self.fail_count = types.count(StateType.FAILED) + types.count(StateType.CRASHED)
        self.not_final_count = sum(1 for state in self.states if not state.is_final())

    def all_completed(self) -> bool:
        return all(state.is_completed() for state in self.states)

    def any_cancelled(self) -> bool:
        return self.cancelled_count > 0

    def any_paused(self) -> bool:
        return self.paused_count > 0

    def any_failed(self) -> bool:
        return self.fail_count > 0

    def all_final(self) -> bool:
        return self.not_final_count == 0

    def verdict(self) -> tuple[StateType, str]:
        """Return the type of a state that stands for them all, and a message that says why."""
        total = self.total_count
        if self.all_completed():
            return StateType.COMPLETED, "All states completed."
        if self.any_cancelled():
            return StateType.CANCELLED, f"{self.cancelled_count}/{total} states cancelled."
        if self.any_paused():
            return StateType.PAUSED, f"{self.paused_count}/{total} states paused."
        if self.any_failed():
            return StateType.FAILED, f"{self.fail_count}/{total} states failed."
        return StateType.FAILED, f"{self.not_final_count}/{total} states are not final."

    def first_failure(self) -> State | None:
        """Return the first state that failed or crashed."""
        return next((state for state in self.states if state.is_failed() or state.is_crashed()), None)


def is_state_iterable(obj: Any) -> bool:
    """Whether a value is a list, tuple or set of states and nothing else. An empty one is not."""
    return _is_collection(obj) and all(isinstance(each, State) for each in obj)


def return_value_to_state(
    retval: Any,
    result_store: Persists | None = None,
    *,
    persist_result: bool | None = None,
    key: str | None = None,
) -> State:
    """Return the final state of a run whose function returned `retval`.

    - A state that its code made is taken as it is. One that a run went through, a future, or a list, tuple or set of
      such stands for them all: COMPLETED if all completed, else CANCELLED if any was, else PAUSED if any is, else
      FAILED. The result is the states' results, each one's exception where it has none.
    - Anything else, an exception too, is COMPLETED; futures inside it become their states.

    Futures are waited for; who must not block waits for them before. `result_store`, `persist_result` and `key` say
    how the result is kept (see `ResultStore.persist`). Raises SerializationError and ResultStorageError as that does.
    """
    keep = _Keeper(result_store, persist_result, key)
    if type(retval) in _PLAIN:
        return keep.completed(retval)
    if isinstance(retval, State) and not (retval.state_details.flow_run_id or retval.state_details.task_run_id):
        return keep.as_it_is(retval)
    if isinstance(retval, State) or is_future(retval):
        return _stand_for(retval, [_settled(retval)], keep)
    if _is_collection(retval) and all(isinstance(each, State) or is_future(each) for each in retval):
        return _stand_for(retval, [_settled(each) for each in retval], keep)
    return keep.completed(resolve(retval, _settled, unwrap_annotations=False))


def exception_to_failed_state(
    exc: BaseException | None = None,
    *,
    message: str | None = None,
    name: str | None = None,
    retriable: bool | None = None,
) -> State:
    """Return a Failed state for an exception; None is the one that is being handled.

    `message` stands before the exception's own text. Raises ValueError where there is no exception.
    """
    error = _given_or_handled(exc)
    text = format_exception(error)
    return _ended_by(error, StateType.FAILED, f"{message}: {text}" if message else text, name, retriable)


def exception_to_crashed_state(exc: BaseException | None = None, *, message: str | None = None) -> State:
    """Return a Crashed state for what broke a run off; None is the exception that is being handled.

    Raises ValueError where there is no exception.
    """
    error = _given_or_handled(exc)
    text = _why_broken_off(error)
    return _ended_by(error, StateType.CRASHED, f"{message}: {text}" if message else text, None, None)


def _why_broken_off(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "The event loop cancelled the run's coroutine."
    if isinstance(error, KeyboardInterrupt):
        return "The process was interrupted from the keyboard."
    if isinstance(error, TerminationSignal):
        return "The process was told to end (SIGTERM)."
    if isinstance(error, SystemExit):
        return f"The run's code ended the interpreter: SystemExit({error.code!r})."
    if isinstance(error, RunRevoked):
        return "The server gave the run to another process."
    return f"The run was broken off by {format_exception(error)}"


def _given_or_handled(error: BaseException | None) -> BaseException:
    error = sys.exception() if error is None else error
    if error is None:
        raise ValueError("No exception was given, and none is being handled.")
    return error


def _ended_by(error: BaseException, kind: StateType, message: str, name: str | None, retriable: bool | None) -> State:
    details = StateDetails(retriable=retriable)
    state: State = State(kind, name, message=message, state_details=details, data=encode_exception(error))
    return state.keep(error)


def _is_collection(value: Any) -> bool:
    """Whether a value is a list, tuple or set that is not empty."""
    return isinstance(value, list | tuple | set | frozenset) and len(value) > 0


def _settled(value: State | FutureLike) -> State:
    """Return the state itself, or that of a future once its run has ended."""
    if isinstance(value, State):
        return value
    if not value.state.is_final():
        value.wait()
    return value.state


class _Keeper:
    """How results of one run are kept."""

    def __init__(self, store: Persists | None, persist_result: bool | None, key: str | None) -> None:
        self._store = store
        self._persist_result = persist_result
        self._key = key

    def completed(self, value: Any, message: str | None = None) -> State:
        """Return a Completed state that gives `value`."""
        state: State = State(StateType.COMPLETED, message=message)
        return self.persist(state.keep(value))

    def as_it_is(self, state: State) -> State:
        """Return a state that user code made, with its result kept like any other."""
        if state.data is not None:
            return state
        if not state.has_value():
            return self.persist(state.keep(None)) if state.is_completed() else state
        return self.persist(state)

    def persist(self, state: State) -> State:
        """Set the state's data from the value that it keeps."""
        value = state.kept_value()
        if isinstance(value, BaseException) and not state.is_completed():
            state.data = encode_exception(value)
        else:
            store = self._store or ResultStore()
            state.data = store.persist(value, persist_result=self._persist_result, key=self._key)
        return state


def _stand_for(original: Any, states: list[State], keep: _Keeper) -> State:
    """Return one state for several that runs went through."""
    group = StateGroup(states)
    kind, message = group.verdict()
    if kind is StateType.COMPLETED:
        try:
            return keep.completed(_like(original, [state.outcome() for state in states]), message)
        except MissingResult:
            # They completed all the same; who asks for the result learns that it is gone.
            return State(kind, message=message)
    state: State = State(kind, message=message)
    if kind is not StateType.PAUSED:
        state.keep(_like(original, [_result_or_reason(each) for each in states]))
    failed = group.first_failure()
    if kind is StateType.FAILED and failed is not None:
        error = failed.failure()
        state.data = encode_exception(error)
        state.keep(state.kept_value(), error)
    return state


def _result_or_reason(state: State) -> Any:
    """Return a state's result, or the exception that says why there is none."""
    try:
        return state.outcome(raise_on_failure=False)
    except AntiphonException as reason:
        return reason


def _like(original: Any, results: list[Any]) -> Any:
    """Return results in the kind of collection that they were asked for in; of a single one, itself."""
    if isinstance(original, tuple):
        return tuple(results)
    if isinstance(original, set | frozenset):
        try:
            return type(original)(results)
        except TypeError:
            # Results that cannot be in a set, such as dicts.
            return results
    return results if isinstance(original, list) else results[0]
