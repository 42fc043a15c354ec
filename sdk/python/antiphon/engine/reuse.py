"""What an attempt of a flow run may take over from the one before: task runs that completed with the same inputs."""

import hashlib
from dataclasses import dataclass
from typing import Any

from antiphon.annotations import NotSet
from antiphon.context import FlowRunContext
from antiphon.exceptions import SerializationError
from antiphon.payloads import to_bytes
from antiphon.state_core import State


@dataclass(slots=True)
class Earlier:
    """How a task's call ended in an earlier attempt."""

    task_run_id: str
    inputs: bytes | None
    state: State

    def serves(self, inputs: bytes | None) -> bool:
        """Whether its result stands for a call with these inputs."""
        kept = self.state.data is not None or self.state.kept_value() is not NotSet
        return self.state.is_completed() and kept and inputs is not None and inputs == self.inputs


class Reuse:
    """One call's place in the memory of its flow run. Made for flows with retries only: telling inputs apart has a
    price that others need not pay."""

    def __init__(self, flow: FlowRunContext, task_key: str, dynamic_key: str) -> None:
        self._memory = flow.reusable
        self._place = (task_key, dynamic_key)
        self._inputs: bytes | None = None
        #: Whether the inputs are known; where some come from runs that have not ended, they are not at first.
        self.knows_inputs = False
        self._earlier: Earlier | None = self._memory.get(self._place)

    def know_inputs(self, parameters: dict[str, Any]) -> None:
        """`parameters` are those that the function would be called with."""
        self._inputs = _digest(parameters)
        self.knows_inputs = True

    @property
    def state(self) -> State | None:
        """The final state that the call need not earn again. Where its result is kept it is a copy that reads it anew:
        the earlier attempt may have changed the object that it was given."""
        if self._earlier is None or not self._earlier.serves(self._inputs):
            return None
        state = self._earlier.state
        return state if state.data is None else state.model_copy().keep(NotSet)

    @property
    def task_run_id(self) -> str | None:
        """The run that goes on. One that completed with other inputs keeps its result, and the call makes a new one."""
        if self._earlier is None or (self._earlier.state.is_completed() and self.state is None):
            return None
        return self._earlier.task_run_id

    @property
    def is_open(self) -> bool:
        """Whether the inputs, once they are known, may turn out to be those of a run that completed."""
        return not self.knows_inputs and self._earlier is not None and self._earlier.state.is_completed()

    def keep(self, task_run_id: str, state: State) -> None:
        if self.knows_inputs or not self.is_open:
            self._memory[self._place] = Earlier(task_run_id, self._inputs, state)


def _digest(parameters: dict[str, Any]) -> bytes | None:
    """Tells inputs apart; None where they cannot be put into bytes, and so nothing is taken over."""
    try:
        encoding, data = to_bytes(parameters)
    except SerializationError:
        return None
    return hashlib.blake2b(data, person=encoding.encode()[:16]).digest()
