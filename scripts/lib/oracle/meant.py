"""What ours must be where it differs: a difference explains nothing unless ours is as it is meant to be."""

from oracle.about import own_slot, target
from oracle.cases import Case
from oracle.outcome import Outcome
from oracle.world import ENTERED

TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})


def _stays(case: Case, ours: Outcome) -> bool:
    """Nothing was written."""
    if case.initial is None:
        return ours.state is None
    return ours.state is not None and ours.state.origin == "current"


def _slots(ours: Outcome) -> int | None:
    return None if ours.slots is None else ours.slots.get("deployment")


def no_error(ours: Outcome) -> bool:
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


def starts_afresh(case: Case, ours: Outcome) -> bool:
    """What a run remembers after a retry, its last attempt, and a rerun; elsewhere as before."""
    before = (bool(case.context.get("resuming")), case.context.get("retry_type"), case.context.get("pause_keys", []))
    memory = (ours.run["resuming"], ours.run["retry_type"], ours.run["pause_keys"])
    if case.forced or ours.state is None:
        return no_error(ours)
    if _stays(case, ours):
        return memory == before and no_error(ours)
    if ours.rule == "RetryFailed":
        return memory == ((False, "in_process", []) if ours.status == "REJECT" else (False, None, before[2]))
    if case.initial_type in TERMINAL and ours.status == "ACCEPT" and ours.state.type not in TERMINAL:
        return memory == (False, "reschedule" if ours.state.type == "SCHEDULED" else None, [])
    # Neither who runs nor who has ended is on the way out of a pause, but for who ends in one.
    over = ours.state.type == "RUNNING" or ours.state.type in TERMINAL
    return no_error(ours) and not (over and memory[0] and case.initial_type != "PAUSED")


def late_as_everybody(case: Case, ours: Outcome) -> bool:
    """The service gets the answers of everybody: a run that has ended is run again on purpose or not at all, one that
    is asked to stop stops, and a slot goes with the state that held it."""
    if target(case) != "SCHEDULED" or case.forced:
        return no_error(ours)
    stays, gone = _stays(case, ours), case.deployment is None or not case.deployment.get("exists", True)
    if case.proposed["name"] == "Late" and case.initial is not None:
        scheduled = case.initial_type == "SCHEDULED" and case.initial["name"] != "Late"
        if not scheduled:
            return ours.status in ("REJECT", "ABORT") and stays
    if case.initial_type in TERMINAL:
        if ours.status == "ACCEPT":
            return case.deployment is not None and starts_afresh(case, ours)
        return ours.status in ("REJECT", "ABORT") and stays
    if case.initial_type == "CANCELLING":
        return ours.status == "REJECT" and stays
    if case.initial_type == "PAUSED":
        if case.initial_details.get("pause_reschedule") and gone:
            return ours.status == "REJECT" and stays
        return ours.status in ("ACCEPT", "REJECT") and not stays and bool(ours.run["resuming"])
    if ours.rule == "CancelNewWhenLate":
        return ours.status == "REJECT" and ours.state is not None and ours.state.type == "CANCELLED"
    taken = (case.deployment or {}).get("active_slots", 0)
    return ours.status == "ACCEPT" and _slots(ours) in (None, taken - own_slot(case))


def pause_remembered(case: Case, ours: Outcome) -> bool:
    """A run that stays paused is not resuming; one that goes on is RUNNING, and its attempt is the one that paused."""
    before = bool(case.context.get("resuming"))
    counted = bool(ours.run_count == case.context.get("run_count", 0))
    if _stays(case, ours):
        return bool(ours.run["resuming"] == before and counted)
    if target(case) == "RUNNING" and ours.status == "ACCEPT":
        return counted and not ours.run["resuming"]
    if case.forced or ours.rule == "CancelAtOnce":
        return counted and not ours.run["resuming"]
    # Whichever other way it leaves, it remembers that it was paused.
    return counted and bool(ours.run["resuming"])


def cancelled_at_once(case: Case, ours: Outcome) -> bool:
    return ours.status == "REJECT" and ours.state is not None and ours.state.type == "CANCELLED"


def queued_stops(case: Case, ours: Outcome) -> bool:
    """CANCELLED where nobody would confirm it, and left to the holder where there is one."""
    return cancelled_at_once(case, ours) or ours.status == "ACCEPT"


def stays_paused(case: Case, ours: Outcome) -> bool:
    return ours.status == "REJECT" and _stays(case, ours)


def unlimited(case: Case, ours: Outcome) -> bool:
    """The limit has no word in it, and nobody takes a slot of it."""
    taken = (case.deployment or {}).get("active_slots", 0)
    unheard = ours.rule not in ("TakeSlot", "CancelNewWhenLate")
    return no_error(ours) and unheard and _slots(ours) in (None, taken, taken - own_slot(case))


def claims_as_ever(case: Case, ours: Outcome) -> bool:
    """The limit holds for every client."""
    words = case.deployment or {}
    limit, taken, own = words["concurrency_limit"], words.get("active_slots", 0), own_slot(case)
    if words.get("limit_enabled", True) is False or case.forced:
        return no_error(ours) and _slots(ours) in (None, taken, taken - own)
    if ours.status == "ACCEPT":
        return bool((own or taken < limit) and _slots(ours) in (None, taken + (not own)))
    return ours.status in ("REJECT", "ABORT", "WAIT") and (ours.rule != "TakeSlot" or (taken >= limit and not own))


def runs_or_waits_by_the_limit(case: Case, ours: Outcome) -> bool:
    """With a slot free it runs and holds it; else it is refused as a claim would be."""
    words = case.deployment or {}
    limit, taken = words["concurrency_limit"], words.get("active_slots", 0)
    if words.get("limit_enabled", True) is False:
        return no_error(ours) and _slots(ours) in (None, taken)
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
    return no_error(ours) and _slots(ours) == (case.deployment or {}).get("active_slots", 0)


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


def not_cached(case: Case, ours: Outcome) -> bool:
    return ours.status == "ACCEPT" and not ours.cache_written


def retried_or_failed(case: Case, ours: Outcome) -> bool:
    """At once while retries are left, and with its failure once none is."""
    if case.forced or target(case) != "FAILED" or case.initial_type != "RUNNING":
        return no_error(ours)
    retries = case.context.get("retries")
    left = retries is not None and case.context.get("run_count", 0) <= retries
    if left and case.details.get("retriable") is not False:
        return ours.status == "REJECT" and ours.run["next_scheduled_start_time_s"] == 0.0
    return ours.status == "ACCEPT" and ours.state is not None and ours.state.type == "FAILED"
