"""The states of runs and the moves that are lawful between them, as data."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class StateType(IntEnum):
    """What a run is doing; the numbers are those of `antiphon.v1.StateType`."""

    SCHEDULED = 1
    PENDING = 2
    RUNNING = 3
    COMPLETED = 4
    FAILED = 5
    CANCELLED = 6
    CRASHED = 7
    PAUSED = 8
    CANCELLING = 9

    # That of enums is Python code, and the policy looks into sets and tables of states for every move.
    __hash__ = int.__hash__


class VerdictKind(IntEnum):
    """The answer to a proposal; the numbers are those of `antiphon.v1.VerdictKind`."""

    ACCEPT = 1
    REJECT = 2
    WAIT = 3
    ABORT = 4

    __hash__ = int.__hash__


SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
COMPLETED, FAILED, CANCELLED, CRASHED = (
    StateType.COMPLETED,
    StateType.FAILED,
    StateType.CANCELLED,
    StateType.CRASHED,
)
PAUSED, CANCELLING = StateType.PAUSED, StateType.CANCELLING

ALL = frozenset(StateType)
TERMINAL = frozenset({COMPLETED, FAILED, CANCELLED, CRASHED})
LIVE = ALL - TERMINAL

#: The name of a state that its proposer gave none.
#: A SCHEDULED run that is called when a slot comes free.
AWAITING_CONCURRENCY_SLOT = "AwaitingConcurrencySlot"
DEFAULT_NAMES: Mapping[StateType, str] = MappingProxyType({each: each.name.capitalize() for each in StateType})

#: Where a run may be: a state, or none yet.
Origin = StateType | None

#: (from, to) -> the verdict on a move that is never lawful. A pair that is not here is lawful as far as the table
#: goes; rules may still speak.
Unlawful = Mapping[tuple[Origin, StateType], VerdictKind]


def _table(*rows: tuple[frozenset[StateType] | None, frozenset[StateType], VerdictKind]) -> Unlawful:
    table: dict[tuple[Origin, StateType], VerdictKind] = {}
    for origins, targets, verdict in rows:
        for origin in origins if origins is not None else (None,):
            table.update({(origin, target): verdict for target in targets})
    return MappingProxyType(table)


_CLAIMED = (frozenset({RUNNING, CANCELLED}), frozenset({PENDING}), VerdictKind.ABORT)
_ENDED = (TERMINAL, frozenset({PAUSED, CANCELLING, CRASHED}), VerdictKind.ABORT)

#: A flow run cannot pause before it runs, goes on from an end only by an honest rerun, and answers a request to cancel
#: with CANCELLED and nothing else.
FLOW_RUN_UNLAWFUL = _table(
    (None, frozenset({PAUSED}), VerdictKind.ABORT),
    (frozenset({SCHEDULED, PENDING}), frozenset({PAUSED}), VerdictKind.REJECT),
    _CLAIMED,
    (frozenset({PAUSED}), frozenset({PENDING, PAUSED}), VerdictKind.REJECT),
    (frozenset({CANCELLING}), ALL - {CANCELLED}, VerdictKind.REJECT),
    _ENDED,
)

#: Task runs are freer: their flow run guards them. What has ended cannot crash, pause or be asked to stop.
TASK_RUN_UNLAWFUL = _table(_ENDED)

#: Task runs that wait for a worker: no flow run guards them, so nobody claims what another one works on.
DEFERRED_TASK_RUN_UNLAWFUL = _table(
    _ENDED, _CLAIMED, (frozenset({CANCELLING}), frozenset({PENDING}), VerdictKind.ABORT)
)
