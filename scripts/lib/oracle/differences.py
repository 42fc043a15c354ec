"""Where ours differs on purpose: for each difference which cases it is about, what may differ there, and what ours must
be instead. `docs/differences.md` has the reasons under the same titles."""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon_server.domain.states import TERMINAL
from oracle.cases import Case
from oracle.outcome import Outcome
from oracle.world import holds_slot

ENDED = frozenset(state.name for state in TERMINAL)
#: All fields that follow from a state being written, or another one.
STATE = frozenset(
    {
        "status",
        "state",
        "origin",
        "scheduled",
        "delay",
        "run_count",
        "start_time_s",
        "end_time_s",
        "next_scheduled_start_time_s",
        "expected_start_time_s",
        "total_run_time_s",
        "resuming",
        "retry_type",
        "pause_keys",
        "flow_run_run_count",
        "slots of deployment",
        "slots of tags",
        "parent task",
        "cache written",
    }
)
TIMES = frozenset({"start_time_s", "end_time_s", "expected_start_time_s", "total_run_time_s"})
MEMORY = frozenset({"resuming", "retry_type", "pause_keys", "run_count"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry. `rule` is the name that the observed system gives to the rule in question."""

    title: str
    rule: str
    #: Whether it is about this case.
    about: Callable[[Case], bool]
    #: What may differ there.
    fields: frozenset[str]
    #: Whether ours is as it is meant to be.
    meant: Callable[[Case, Outcome], bool]


def _target(case: Case) -> str:
    return str(case.proposed["type"])


def _stays(case: Case, ours: Outcome) -> bool:
    """Nothing was written."""
    if case.initial is None:
        return ours.state is None
    return ours.state is not None and ours.state.origin == "current"


def _limited(case: Case) -> bool:
    return (case.deployment or {}).get("concurrency_limit") is not None


def _slot_wanted(case: Case) -> bool:
    """The run would enter PENDING or RUNNING from elsewhere."""
    return _limited(case) and _target(case) in ("PENDING", "RUNNING") and case.initial_type != _target(case)


def _own(case: Case) -> bool:
    return holds_slot(case) and (case.deployment or {}).get("active_slots", 0) > 0


def _same_transition(case: Case) -> bool:
    noted = case.details.get("transition_id")
    return noted is not None and noted == case.initial_details.get("transition_id")


def _refused_as_reused(case: Case, ours: Outcome) -> bool:
    return ours.status == "ERROR TRANSITION_ID_REUSED" and _stays(case, ours)


def _odd_time(case: Case) -> bool:
    return "timestamp_s" in case.proposed or "history_timestamps_s" in case.context


def _leaves_pause(case: Case) -> bool:
    return case.kind == "flow_run" and case.initial_type == "PAUSED"


def _pause_remembered(case: Case, ours: Outcome) -> bool:
    """A run that stays paused is not resuming; one that goes on is RUNNING, and its attempt is the one that paused."""
    before = bool(case.context.get("resuming"))
    if _stays(case, ours):
        return ours.run["resuming"] == before and ours.run_count == case.context.get("run_count", 0)
    if _target(case) == "RUNNING":
        return not ours.run["resuming"] and ours.run_count == case.context.get("run_count", 0)
    return True


def _odd_result(case: Case) -> bool:
    data = (case.initial or {}).get("data")
    return case.initial_type == "COMPLETED" and data is not None and data not in ("persisted", "unpersisted")


def _result_kept(case: Case, ours: Outcome) -> bool:
    if ours.status in ("REJECT", "ABORT"):
        return _stays(case, ours)
    # What brings a result of its own, or ends otherwise, or is forced, may take its place.
    return ours.status == "ACCEPT"


def _limit_off(case: Case) -> bool:
    return case.kind == "flow_run" and (case.deployment or {}).get("limit_enabled", True) is False


def _old_version(case: Case) -> bool:
    return "client_version" in case.context or "api_version" in case.context


def _soon(case: Case) -> bool:
    """The run has a time ahead, so that waiting for it is the question."""
    due = case.initial_details.get("scheduled_time_s")
    return case.initial_type in ("SCHEDULED", "PENDING") and due is not None and due > 0 and _target(case) == "RUNNING"


def _waits_exactly(case: Case, ours: Outcome) -> bool:
    due = case.initial_details["scheduled_time_s"]
    return ours.status == "WAIT" and ours.delay is not None and abs(ours.delay - due) < 1e-5


def _tag_held(case: Case) -> bool:
    return _target(case) == "RUNNING" and any(
        each.get("held_by_this_run") for each in case.context.get("tag_limits", [])
    )


def _legacy_tags(case: Case) -> bool:
    return any(each.get("store") == "v1" for each in case.context.get("tag_limits", []))


def _tag_shut(case: Case) -> bool:
    limits = case.context.get("tag_limits", [])
    return len(limits) > 1 and any(each["limit"] == 0 for each in limits)


def _untouched(case: Case, ours: Outcome) -> bool:
    """No slot was taken or given back."""
    before = {each["tag"]: each.get("active", 0) for each in case.context["tag_limits"] if each.get("store") != "v1"}
    after = (ours.slots or {}).get("tags", {})
    return all(after.get(tag) == slots for tag, slots in before.items())


def _key_too_long(case: Case) -> bool:
    key = str(case.details.get("cache_key", ""))
    return key.startswith("len:") and int(key.removeprefix("len:")) > 2000


def _no_delays(case: Case) -> bool:
    return case.context.get("retry_delay") == []


DIFFERENCES = (
    Difference(
        "A transition id names one proposal",
        "PreventDuplicateTransitions",
        _same_transition,
        STATE,
        _refused_as_reused,
    ),
    Difference("The server's clock is the only one", "SetRunStateTimestamp", _odd_time, TIMES, lambda case, ours: True),
    Difference(
        "Going on after a blocking pause is no new attempt",
        "HandleResumingPausedFlows",
        _leaves_pause,
        frozenset({"resuming", "run_count"}),
        _pause_remembered,
    ),
    Difference(
        "A pause is asked before the slots",
        "SecureFlowConcurrencySlots",
        lambda case: _leaves_pause(case) and _target(case) == "PENDING" and case.deployment is not None,
        STATE,
        lambda case, ours: ours.status == "REJECT" and _stays(case, ours),
    ),
    Difference(
        "Whatever runs under a limit holds a slot",
        "SecureFlowConcurrencySlots",
        lambda case: _slot_wanted(case) and _target(case) == "RUNNING" and not _own(case) and not case.forced,
        STATE,
        lambda case, ours: ours.status in ("ACCEPT", "REJECT", "WAIT", "ABORT"),
    ),
    Difference(
        "A run does not wait for its own slot",
        "SecureFlowConcurrencySlots",
        lambda case: _slot_wanted(case) and _own(case),
        STATE,
        lambda case, ours: ours.status == "ACCEPT",
    ),
    Difference(
        "A slot belongs to the run that holds it",
        "SecureFlowConcurrencySlots",
        _limited,
        frozenset({"slots of deployment"}),
        lambda case, ours: True,
    ),
    Difference(
        "A limit that is switched off does not limit",
        "SecureFlowConcurrencySlots",
        _limit_off,
        STATE,
        lambda case, ours: ours.status in ("ACCEPT", "REJECT", "ABORT"),
    ),
    Difference(
        "There are no older clients",
        "RemoveDeploymentConcurrencyLeaseForOldClientVersions",
        _old_version,
        STATE,
        lambda case, ours: not ours.status.startswith("ERROR"),
    ),
    Difference(
        "Every stored result counts",
        "HandleTaskTerminalStateTransitions",
        _odd_result,
        STATE,
        _result_kept,
    ),
    Difference("Nothing runs before its time", "WaitForScheduledTime", _soon, STATE, _waits_exactly),
    Difference(
        "A task run keeps the tag slots that it holds",
        "SecureTaskConcurrencySlots",
        _tag_held,
        STATE,
        lambda case, ours: ours.status in ("ACCEPT", "WAIT", "ABORT", "REJECT"),
    ),
    Difference(
        "There is one kind of limit",
        "SecureTaskConcurrencySlots",
        _legacy_tags,
        STATE,
        lambda case, ours: ours.status in ("ACCEPT", "WAIT", "ABORT", "REJECT"),
    ),
    Difference(
        "All tags or none",
        "SecureTaskConcurrencySlots",
        _tag_shut,
        frozenset({"slots of tags"}),
        lambda case, ours: ours.status != "ABORT" or _untouched(case, ours),
    ),
    Difference(
        "A result is not refused for its cache key",
        "CacheInsertion",
        _key_too_long,
        frozenset({"status", "cache written"}),
        lambda case, ours: ours.status == "ACCEPT" and not ours.cache_written,
    ),
    Difference(
        "No delays mean at once",
        "RetryFailedTasks",
        _no_delays,
        STATE,
        lambda case, ours: ours.status in ("ACCEPT", "REJECT"),
    ),
    Difference(
        "Task runs are always orchestrated",
        "client_side",
        lambda case: case.context.get("policy") == "client_side",
        STATE,
        lambda case, ours: not ours.status.startswith("ERROR"),
    ),
    Difference(
        "Runs are marked late under the whole policy",
        "mark_late",
        lambda case: case.context.get("policy") == "mark_late",
        STATE,
        lambda case, ours: not ours.status.startswith("ERROR"),
    ),
)
