"""Where ours differs on purpose: for each difference which cases it is about, what may differ there, and what ours must
be instead. `docs/differences.md` has the reasons under the same titles."""

from collections.abc import Callable
from dataclasses import dataclass

from oracle.about import (
    cancels_queued,
    cancels_unmoved,
    deferred_with_tags,
    ends_paused,
    key_too_long,
    leaves_pause,
    legacy_tags,
    limit_off,
    limited,
    no_delays,
    odd_result,
    odd_time,
    older_api,
    older_client,
    others_wait,
    own_slot,
    same_transition,
    shut_tag,
    slot_wanted,
    soon,
    tag_held,
    target,
    under,
)
from oracle.cases import Case
from oracle.comparing import RUN
from oracle.meant import (
    cancelled_at_once,
    claims_as_ever,
    handed_over,
    holds_one_if_running,
    kept_by_holder,
    kept_where_refused,
    late_as_everybody,
    not_cached,
    pause_remembered,
    queued_stops,
    refused_as_reused,
    retried_or_failed,
    runs_or_waits_by_the_limit,
    starts_afresh,
    stays_paused,
    timed_by_the_server,
    unlimited,
    waits_exactly,
)
from oracle.meant_of_tags import by_the_limits, orchestrated
from oracle.outcome import Outcome

#: Fields that follow from a state being written, or another one.
STATE = frozenset(
    {
        "status",
        "state",
        "origin",
        "scheduled",
        "delay",
        "run_count",
        *RUN,
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


SLOTS = "SecureFlowConcurrencySlots"
TAGS = "SecureTaskConcurrencySlots"
PAUSES = "HandleResumingPausedFlows"

#: The first that is about a case, and as it is meant, explains what it may; the next ones what is left.
DIFFERENCES = (
    Difference(
        "A transition id names one proposal",
        "PreventDuplicateTransitions",
        same_transition,
        STATE,
        refused_as_reused,
    ),
    Difference("The server's clock is the only one", "SetRunStateTimestamp", odd_time, TIMES, timed_by_the_server),
    Difference(
        "Runs are marked late under the whole policy", "mark_late", under("mark_late"), STATE, late_as_everybody
    ),
    Difference("Task runs are always orchestrated", "client_side", under("client_side"), STATE, orchestrated),
    Difference(
        "Going on after a blocking pause is no new attempt",
        PAUSES,
        leaves_pause,
        frozenset({"resuming", "run_count"}),
        pause_remembered,
    ),
    Difference(
        "A run that never had a state is cancelled at once",
        "BypassCancellingFlowRunsWithNoInfra",
        cancels_unmoved,
        STATE,
        cancelled_at_once,
    ),
    Difference(
        "A background run that no worker has is cancelled at once",
        "BackgroundTaskPolicy",
        cancels_queued,
        STATE,
        queued_stops,
    ),
    Difference("A pause is asked before the slots", SLOTS, ends_paused, STATE, stays_paused),
    Difference("A limit that is switched off does not limit", SLOTS, limit_off, STATE, unlimited),
    Difference(
        "There are no older clients",
        "RemoveDeploymentConcurrencyLeaseForOldClientVersions",
        older_client,
        STATE,
        claims_as_ever,
    ),
    Difference("There are no older APIs", "RetryFailedFlows", older_api, MEMORY, starts_afresh),
    Difference(
        "Whatever runs under a limit holds a slot",
        SLOTS,
        lambda case: slot_wanted(case) and target(case) == "RUNNING" and not own_slot(case) and not case.forced,
        STATE,
        runs_or_waits_by_the_limit,
    ),
    Difference(
        "A slot belongs to the run that holds it", SLOTS, limited, frozenset({"slots of deployment"}), kept_by_holder
    ),
    Difference(
        "A slot that comes free is handed over at once",
        SLOTS,
        others_wait,
        frozenset({"slots of deployment", "scheduled"}),
        handed_over,
    ),
    Difference(
        "A run does not wait for its own slot",
        SLOTS,
        lambda case: slot_wanted(case) and own_slot(case),
        STATE,
        holds_one_if_running,
    ),
    Difference(
        "Every stored result counts",
        "HandleTaskTerminalStateTransitions",
        odd_result,
        STATE,
        kept_where_refused,
    ),
    Difference("Nothing runs before its time", "WaitForScheduledTime", soon, STATE, waits_exactly),
    Difference("A task run keeps the tag slots that it holds", TAGS, tag_held, STATE, by_the_limits),
    Difference("Limits of tags hold for background runs", TAGS, deferred_with_tags, STATE, by_the_limits),
    Difference("There is one kind of limit", TAGS, legacy_tags, STATE, by_the_limits),
    Difference("All tags or none", TAGS, shut_tag, frozenset({"slots of tags"}), by_the_limits),
    Difference(
        "A result is not refused for its cache key",
        "CacheInsertion",
        key_too_long,
        frozenset({"status", "cache written"}),
        not_cached,
    ),
    Difference("No delays mean at once", "RetryFailedTasks", no_delays, STATE, retried_or_failed),
)
