"""Which cases a difference is about: predicates on what was given, never on what came of it."""

from collections.abc import Callable

from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT
from oracle.cases import Case
from oracle.world import holds_slot


def target(case: Case) -> str:
    return str(case.proposed["type"])


def under(policy: str) -> Callable[[Case], bool]:
    """Proposed under a policy of its own."""
    return lambda case: case.context.get("policy") == policy


def same_transition(case: Case) -> bool:
    """The id was that of the transition that made the current state, or of an earlier one."""
    noted = case.details.get("transition_id")
    known = (case.initial_details.get("transition_id"), *case.context.get("known_transitions", []))
    return noted is not None and noted in known


def odd_time(case: Case) -> bool:
    """The proposal brings a time of its own, or comes with that of an earlier state."""
    return "timestamp_s" in case.proposed or "history_timestamps_s" in case.context


def leaves_pause(case: Case) -> bool:
    return case.kind == "flow_run" and case.initial_type == "PAUSED"


def cancels_unmoved(case: Case) -> bool:
    """A flow run that never had a state is asked to stop."""
    return case.kind == "flow_run" and case.initial is None and target(case) == "CANCELLING"


def cancels_queued(case: Case) -> bool:
    """A task run that waits for a worker, or that no worker has begun, is asked to stop."""
    waits = case.initial is None or case.initial_type in ("SCHEDULED", "PAUSED")
    return case.kind == "task_run" and waits and target(case) == "CANCELLING" and bool(case.details.get("deferred"))


def ends_paused(case: Case) -> bool:
    """A paused run with a deployment is claimed."""
    return leaves_pause(case) and target(case) == "PENDING" and case.deployment is not None and not case.forced


def limited(case: Case) -> bool:
    return (case.deployment or {}).get("concurrency_limit") is not None


def limit_off(case: Case) -> bool:
    return limited(case) and (case.deployment or {}).get("limit_enabled", True) is False


def others_wait(case: Case) -> bool:
    """Somebody waits for the slot that this run gives back, or this one was called meanwhile."""
    called = (case.initial or {}).get("name") == AWAITING_CONCURRENCY_SLOT and target(case) == "PENDING"
    return limited(case) and (called or bool(case.context.get("waiting")))


def slot_wanted(case: Case) -> bool:
    """The run would enter PENDING or RUNNING from elsewhere."""
    return limited(case) and target(case) in ("PENDING", "RUNNING") and case.initial_type != target(case)


def own_slot(case: Case) -> bool:
    return holds_slot(case) and (case.deployment or {}).get("active_slots", 0) > 0


def older_client(case: Case) -> bool:
    """A client whose claims were let pass without a slot."""
    return str(case.context.get("client_version", "")) in ("3.0.0", "3.0.1", "3.0.2", "3.0.3") and slot_wanted(case)


def older_api(case: Case) -> bool:
    return case.kind == "flow_run" and "api_version" in case.context


def odd_result(case: Case) -> bool:
    """Completed with a result that is not made as theirs are now."""
    data = (case.initial or {}).get("data")
    return case.initial_type == "COMPLETED" and data is not None and data not in ("persisted", "unpersisted")


def soon(case: Case) -> bool:
    """The run has a time ahead, so that waiting for it is the question."""
    due = case.initial_details.get("scheduled_time_s")
    return case.initial_type in ("SCHEDULED", "PENDING") and due is not None and due > 0 and target(case) == "RUNNING"


def deferred_with_tags(case: Case) -> bool:
    """A task run of a worker has tags that are limited."""
    return case.kind == "task_run" and bool(case.details.get("deferred")) and bool(case.context.get("tag_limits"))


def tag_held(case: Case) -> bool:
    held = any(each.get("held_by_this_run") for each in case.context.get("tag_limits", []))
    return held and target(case) == "RUNNING"


def legacy_tags(case: Case) -> bool:
    return any(each.get("store") == "v1" for each in case.context.get("tag_limits", []))


def shut_tag(case: Case) -> bool:
    """One of several tags lets nobody in."""
    limits = case.context.get("tag_limits", [])
    return len(limits) > 1 and any(each["limit"] == 0 for each in limits)


def key_too_long(case: Case) -> bool:
    key = str(case.details.get("cache_key", ""))
    return key.startswith("len:") and int(key.removeprefix("len:")) > 2000


def no_delays(case: Case) -> bool:
    return case.context.get("retry_delay") == []
