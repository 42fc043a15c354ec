"""What each rule of the policy says, row by row: `ALL` has those of all topics."""

from policy_rows import caching, moving, pausing, protecting, retrying, scheduling, slots
from policy_rows.row import Row

ALL: list[Row] = [
    *protecting.ROWS,
    *moving.ROWS,
    *scheduling.ROWS,
    *pausing.ROWS,
    *slots.ROWS,
    *retrying.ROWS,
    *caching.ROWS,
]
