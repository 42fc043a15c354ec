"""Long-running operations: one verb over all flow runs that a filter matches."""

from dataclasses import dataclass
from enum import IntEnum

from antiphon_server.domain.states import CANCELLED, CANCELLING, StateType, VerdictKind


class BulkVerb(IntEnum):
    """What is done with each run, or each time of a schedule; the numbers are those of `antiphon.v1.OperationVerb`."""

    CANCEL = 1
    DELETE = 2
    RETRY = 3
    SET_STATE = 4
    BACKFILL = 5


class BulkState(IntEnum):
    """How far an operation has come; the numbers are those of `antiphon.v1.OperationState`."""

    RUNNING = 1
    SUCCEEDED = 2
    CANCELLED = 3
    FAILED = 4


class Outcome(IntEnum):
    """How it went with one run that did not refuse."""

    SUCCEEDED = 1
    #: There was nothing to do.
    SKIPPED = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run did not do what was asked of it."""

    #: A rule's name, or the reason of an error.
    reason: str
    message: str


def arrived(wanted: StateType, kind: VerdictKind, held: StateType | None) -> bool:
    """Whether a verdict brought a run where it should go; `held` is the state that holds after it."""
    # Where nobody holds a run, the answer to CANCELLING is CANCELLED, which is what was wanted.
    return kind is VerdictKind.ACCEPT or (kind is VerdictKind.REJECT and wanted == CANCELLING and held == CANCELLED)
