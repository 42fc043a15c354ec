"""What ours must be where it differs in the limits of tags."""

from oracle.about import target
from oracle.cases import Case, Json
from oracle.outcome import Outcome
from oracle.world import tag_of


def by_the_limits(case: Case, ours: Outcome) -> bool:
    """A run enters RUNNING with a slot of each of its tags that is limited, those that it holds among them; where one
    has none free it waits, or is turned away by a limit of 0, and has the slots that it had."""
    if ours.status.startswith("ERROR"):
        return False
    limits = [each for each in case.context.get("tag_limits", []) if each.get("enabled", True)]
    wanted = [each for each in limits if not each.get("held_by_this_run")]
    if ours.rule == "TakeTagSlots" and ours.status in ("WAIT", "ABORT"):
        lacking = any(each.get("active", 0) >= each["limit"] for each in wanted)
        shut = any(each["limit"] == 0 for each in wanted)
        waits = ours.delay is not None and ours.delay > 0
        stays = ours.state is None or ours.state.origin == "current"
        return lacking and stays and (shut if ours.status == "ABORT" else waits and not shut) and _taken(case, ours, [])
    # Force passes the rule by, but of task runs that wait for a worker.
    passed = case.forced and not case.details.get("deferred")
    if target(case) != "RUNNING" or ours.status != "ACCEPT" or passed:
        return True
    return all(each.get("active", 0) < each["limit"] for each in wanted) and _taken(case, ours, wanted)


def _taken(case: Case, ours: Outcome, more: list[Json]) -> bool:
    """Whether so many slots are in use as before, and one more of each of these limits."""
    if ours.slots is None:
        return True
    known = case.context.get("tag_limits", [])
    return all(ours.slots["tags"][tag_of(each)] == each.get("active", 0) + (each in more) for each in known)


def orchestrated(case: Case, ours: Outcome) -> bool:
    """Limits count for every task run, and so does the state of the flow run around it."""
    around = case.context.get("parent_flow_run")
    asked = target(case) == "RUNNING" and not case.forced and not case.details.get("deferred")
    stopped = asked and around is not None and around.get("type") != "RUNNING"
    return by_the_limits(case, ours) and not (stopped and ours.status == "ACCEPT")
