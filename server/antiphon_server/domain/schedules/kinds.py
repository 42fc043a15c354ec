"""The words of the contract for schedules. Apart, since what decides on runs needs them without what expands rules."""

from enum import IntEnum


class RuleKind(IntEnum):
    CRON = 1
    INTERVAL = 2
    RECURRENCE = 3


class CatchUp(IntEnum):
    """What becomes of times that pass while no server runs."""

    SKIP = 1
    LATEST = 2
    ALL = 3


class Overlap(IntEnum):
    """What becomes of a run whose time comes while another one of its schedule is under way."""

    ALLOW = 1
    ENQUEUE = 2
    SKIP = 3
    CANCEL_OTHER = 4
