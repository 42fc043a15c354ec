"""Where an outcome is another one than was observed."""

from typing import Any

from oracle.cases import Json
from oracle.outcome import Mismatches, Outcome

#: Columns of the run that must be the same.
RUN = (
    "start_time_s",
    "end_time_s",
    "next_scheduled_start_time_s",
    "expected_start_time_s",
    "total_run_time_s",
    "resuming",
    "retry_type",
    "pause_keys",
    "flow_run_run_count",
)
#: Details of the state that should be.
DETAILS = (
    "pause_timeout_s",
    "pause_reschedule",
    "pause_key",
    "cache_key",
    "cache_expiration_s",
    "refresh_cache",
    "deferred",
    "task_parameters_id",
)
#: A microsecond, for times that were rounded when they were written down.
NEAR = 2e-6


def mismatches(expect: Json, ours: Outcome) -> Mismatches:
    """field -> (theirs, ours) for all that must match. Fields that this player does not know are left out."""
    found: Mismatches = {}

    def compare(field: str, theirs: Any, own: Any) -> None:
        if not _same(theirs, own):
            found[field] = (theirs, own)

    compare("status", expect["status"], ours.status)
    if expect["status"] == "ERROR":
        return found
    state, seen = expect.get("state"), ours.state
    compare("state", state and f"{state['type']}/{state['name']}", seen and f"{seen.type}/{seen.name}")
    drawn = expect.get("scheduled_offset_s_range")
    if state is not None and seen is not None:
        compare("origin", state["origin"], seen.origin)
        _compare_drawn(found, "scheduled", drawn, state.get("scheduled_offset_s"), seen.scheduled_offset)
    compare("run_count", expect["run_count_after"], ours.run_count)
    _compare_drawn(found, "delay", expect.get("delay_seconds_range"), expect.get("delay_seconds"), ours.delay)
    for name in RUN:
        if name in expect["run_after"] and name in ours.run:
            bounds = drawn if name == "next_scheduled_start_time_s" else None
            _compare_drawn(found, name, bounds, expect["run_after"][name], ours.run[name])
    _compare_around(expect, ours, compare)
    return found


def _compare_drawn(found: Mismatches, field: str, bounds: list[float] | None, theirs: Any, own: Any) -> None:
    """What was drawn by chance is known by its bounds only."""
    if bounds is not None:
        if own is None or not bounds[0] - NEAR <= own <= bounds[1] + NEAR:
            found[field] = (bounds, own)
    elif not _same(theirs, own):
        found[field] = (theirs, own)


def _compare_around(expect: Json, ours: Outcome, compare: Any) -> None:
    slots = expect.get("slots_after")
    if slots is not None and ours.slots is not None:
        for name in ("deployment", "tags"):
            if name in slots and name in ours.slots:
                compare(f"slots of {name}", slots[name], ours.slots[name])
    if "parent_task_after" in expect and ours.parent is not None:
        compare("parent task", expect["parent_task_after"], ours.parent)
    if ours.cache_written is not None:
        compare("cache written", bool(expect.get("cache_entry_written")), ours.cache_written)


def lesser(expect: Json, ours: Outcome) -> Mismatches:
    """The same for all that should match: details and data of the state."""
    found: Mismatches = {}
    state, seen = expect.get("state"), ours.state
    if state is None or seen is None or state["type"] != seen.type:
        return found
    for name in DETAILS:
        theirs, own = state["details"].get(name), seen.details.get(name)
        if not _same(theirs, own):
            found[name] = (theirs, own)
    # An unpersisted result is seen in the answer only and is never stored, there as here.
    kept = state.get("data") not in (None, "unpersisted")
    if kept != seen.data:
        found["data"] = (state.get("data"), seen.data)
    return found


def _same(theirs: Any, own: Any) -> bool:
    if isinstance(theirs, int | float) and isinstance(own, int | float) and not isinstance(theirs, bool):
        return abs(theirs - own) <= NEAR
    return bool(theirs == own)
