"""How transactions exclude each other, when they commit, and where one stands."""

from enum import Enum, auto


class IsolationLevel(Enum):
    """Whether transactions of one key exclude each other: SERIALIZABLE ones do, by the store's lock manager."""

    READ_COMMITTED = auto()
    SERIALIZABLE = auto()


class CommitMode(Enum):
    """When a transaction commits: EAGER ones at their end, LAZY ones at the end of the outermost transaction around
    them, OFF ones only where somebody commits them."""

    EAGER = auto()
    LAZY = auto()
    OFF = auto()


class TransactionState(Enum):
    """Where a transaction stands."""

    PENDING = auto()
    ACTIVE = auto()
    STAGED = auto()
    COMMITTED = auto()
    ROLLED_BACK = auto()


def as_isolation_level(level: IsolationLevel | str | None) -> IsolationLevel | None:
    """Return the level, or the one of that name. Raises ValueError for another name."""
    if level is None or isinstance(level, IsolationLevel):
        return level
    try:
        return IsolationLevel[level]
    except KeyError:
        raise ValueError(f"isolation_level is READ_COMMITTED or SERIALIZABLE, not {level!r}.") from None
