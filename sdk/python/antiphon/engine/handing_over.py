"""A task run that one process makes and another one goes on with."""

from antiphon.exceptions import SerializationError
from antiphon.payloads import to_bytes
from antiphon.state_core import State
from antiphon.state_rules import exception_to_failed_state


def fit_to_travel(state: State) -> State:
    """The final state to which code has led, or that of a run that failed because its result, which nothing else
    brings, cannot get back to the process that submitted it."""
    if not state.is_completed() or state.data is not None or not state.has_value():
        return state
    try:
        to_bytes(state.kept_value())
    except SerializationError as error:
        problem = SerializationError(
            f"The result cannot be sent back to the process that submitted the task: {error.__cause__!r}. Return "
            "something that can be pickled, or run the task in a ThreadPoolTaskRunner."
        )
        problem.__cause__ = error
        return exception_to_failed_state(problem)
    return state
