"""What comes back of a task run in another process."""

import pickle
from dataclasses import dataclass

import cloudpickle  # type: ignore[import-untyped]  # it ships no types

from antiphon.annotations import NotSet
from antiphon.exceptions import AntiphonException
from antiphon.state_core import State


@dataclass(frozen=True, slots=True)
class Answer:
    """Says one of these."""

    #: The run's final state, which the server knows.
    state: State | None = None
    #: Why the run could not begin there; the server knows of nothing.
    problem: AntiphonException | None = None
    #: Why the run is no longer that process's: the server says what it is.
    gone: str = ""


class WorkerLost(AntiphonException):
    """The process that ran a task is gone."""


def pack_answer(answer: Answer) -> bytes:
    try:
        return bytes(cloudpickle.dumps(answer))
    except Exception as error:  # noqa: BLE001 - whatever pickling somebody's object raises
        state = answer.state
        if state is None:
            return bytes(cloudpickle.dumps(Answer(gone=f"The worker's answer cannot be pickled: {error!r}")))
        return bytes(cloudpickle.dumps(Answer(state=state.model_copy().keep(NotSet))))


def unpack_answer(packed: bytes) -> Answer:
    """One that cannot be read here says nothing of the run: the server has to be asked."""
    try:
        answer: Answer = pickle.loads(packed)
    except Exception as error:  # noqa: BLE001 - whatever reading somebody's object raises
        return Answer(gone=f"The worker's answer cannot be read here: {error!r}")
    return answer
