"""What ours must be where it differs: a difference explains nothing unless ours is as it is meant to be."""

from oracle.about import own_slot, target
from oracle.cases import Case
from oracle.outcome import Outcome
from oracle.world import ENTERED


def _stays(case: Case, ours: Outcome) -> bool:
    """Nothing was written."""
    if case.initial is None:
        return ours.state is None
    return ours.state is not None and ours.state.origin == "current"


def _slots(ours: Outcome) -> int | None:
    return None if ours.slots is None else ours.slots.get("deployment")


def no_error(case: Case, ours: Outcome) -> bool:
    return not ours.status.startswith("ERROR")


def refused_as_reused(case: Case, ours: Outcome) -> bool:
    """Nothing is written; the same proposal gets its first verdict again, another one is an error."""
    return _stays(case, ours) and ours.status in ("ACCEPT", "ERROR TRANSITION_ID_REUSED")


def timed_by_the_server(case: Case, ours: Outcome) -> bool:
    """Times are what they were, or now; the time in RUNNING is what passed on the server's clock."""
    now = {0.0, 1e-6}
    for name in ("start_time_s", "end_time_s", "expected_start_time_s"):
        before = case.context.get(name)
        if ours.run[name] is not None and ours.run[name] != before and ours.run[name] not in now:
            return False
    left = case.initial_type == "RUNNING" and not _stays(case, ours)
    total = case.context.get("total_run_time_s", 0) + (-ENTERED if left else 0)
    return bool(abs(ours.run["total_run_time_s"] - total) < 1e-5)


def rightly_counted(case: Case, ours: Outcome) -> bool:
    """A run in RUNNING, or ended by leaving it, is on no way out of a pause."""
    ended = ours.state is not None and ours.state.origin != "current" and case.initial_type == "RUNNING"
    running = ours.state is not None and ours.state.type == "RUNNING" and ours.state.origin != "current"
    return no_error(case, ours) and not ((ended or running) and ours.run["resuming"] and target(case) != "PAUSED")


def pause_remembered(case: Case, ours: Outcome) -> bool:
    """A run that stays paused is not resuming; one that goes on is RUNNING, and its attempt is the one that paused."""
    before = bool(case.context.get("resuming"))
    counted = bool(ours.run_count == case.context.get("run_count", 0))
    if _stays(case, ours):
        return bool(ours.run["resuming"] == before and counted)
    if target(case) == "RUNNING" and ours.status == "ACCEPT":
        return counted and not ours.run["resuming"]
    return counted


def stays_paused(case: Case, ours: Outcome) -> bool:
    return ours.status == "REJECT" and _stays(case, ours)


def unlimited(case: Case, ours: Outcome) -> bool:
    """The limit has no word in it."""
    return no_error(case, ours) and ours.rule not in ("TakeSlot", "CancelNewWhenLate")


def claims_as_ever(case: Case, ours: Outcome) -> bool:
    """The limit holds for every client."""
    words = case.deployment or {}
    full = words.get("active_slots", 0) >= words["concurrency_limit"] and not own_slot(case)
    return ours.status in ("REJECT", "ABORT", "WAIT") if full else no_error(case, ours)


def runs_or_waits_by_the_limit(case: Case, ours: Outcome) -> bool:
    """With a slot free it runs and holds it; else it is refused as a claim would be."""
    words = case.deployment or {}
    limit, taken = words["concurrency_limit"], words.get("active_slots", 0)
    if words.get("limit_enabled", True) is False:
        return no_error(case, ours)
    if ours.status == "ACCEPT":
        return bool(taken < limit and _slots(ours) in (None, taken + 1))
    if ours.status == "ABORT":
        return bool(limit == 0)
    return bool(taken >= limit and _slots(ours) in (None, taken))


def holds_one_if_running(case: Case, ours: Outcome) -> bool:
    """It goes on with the slot that it has."""
    taken = (case.deployment or {}).get("active_slots", 0)
    return ours.status == "ACCEPT" and _slots(ours) in (None, taken)


def handed_over(case: Case, ours: Outcome) -> bool:
    """The slot that came free is another one's already; who was called has it, and was scheduled when it was called."""
    if target(case) == "PENDING":
        return ours.status == "ACCEPT" and _slots(ours) == 1
    return no_error(case, ours) and _slots(ours) == (case.deployment or {}).get("active_slots", 0)


def kept_by_holder(case: Case, ours: Outcome) -> bool:
    """The number of slots in use changes by the run's own at most."""
    taken = (case.deployment or {}).get("active_slots", 0)
    if own_slot(case):
        return _slots(ours) in (taken, taken - 1)
    return _slots(ours) in (taken, taken + 1)


def kept_where_refused(case: Case, ours: Outcome) -> bool:
    """A refusal leaves the result; what brings one of its own, ends otherwise or is forced may take its place."""
    return _stays(case, ours) if ours.status in ("REJECT", "ABORT") else ours.status == "ACCEPT"


def waits_exactly(case: Case, ours: Outcome) -> bool:
    due = case.initial_details["scheduled_time_s"]
    return ours.status == "WAIT" and ours.delay is not None and abs(ours.delay - due) < 1e-5


def no_wait_for_itself(case: Case, ours: Outcome) -> bool:
    """Who waits, or is turned away, lacks the slot of some other tag, or its time has not come."""
    others = [each for each in case.context["tag_limits"] if not each.get("held_by_this_run")]
    full = [each for each in others if each.get("enabled", True) and each.get("active", 0) >= each["limit"]]
    early = (case.initial_details.get("scheduled_time_s") or 0) > 0
    return no_error(case, ours) and (
        ours.rule != "TakeTagSlots" or ours.status not in ("WAIT", "ABORT") or bool(full) or early
    )


def tags_untouched(case: Case, ours: Outcome) -> bool:
    """Where the run is turned away no slot is taken or given back."""
    if ours.status != "ABORT" or ours.slots is None:
        return True
    before = {each["tag"]: each.get("active", 0) for each in case.context["tag_limits"] if each.get("store") != "v1"}
    return all(ours.slots["tags"].get(tag) == slots for tag, slots in before.items())


def not_cached(case: Case, ours: Outcome) -> bool:
    return ours.status == "ACCEPT" and not ours.cache_written


def retried_or_failed(case: Case, ours: Outcome) -> bool:
    """At once while retries are left."""
    left = case.context.get("retries") is not None and case.context.get("run_count", 0) <= case.context["retries"]
    if not left or case.forced or target(case) != "FAILED":
        return no_error(case, ours)
    return ours.status == "REJECT" and ours.run["next_scheduled_start_time_s"] == 0.0
