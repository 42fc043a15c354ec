"""What follows from a decision, as people read it. Pure functions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from antiphon_server.domain.decision import (
    Decision,
    Effect,
    EndPutOff,
    KeepInCache,
    KeepSlots,
    MirrorToParent,
    Queued,
    Remember,
    Restart,
    StopBelow,
    StopOthers,
    TakeSlots,
    Tell,
    TellHolder,
)
from antiphon_server.domain.facts import Limit
from antiphon_server.domain.model import Run
from antiphon_server.domain.states import CANCELLING, PAUSED, PENDING, SCHEDULED, StateType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC) - _EPOCH, datetime.max.replace(tzinfo=UTC) - _EPOCH
_MICROSECOND = timedelta(microseconds=1)
_TOLD: Mapping[Tell, str] = {
    Tell.CANCEL: "to stop",
    Tell.REVOKE: "that the run is no longer its own",
    Tell.KILL: "to kill what the run runs on",
    Tell.PAUSE: "that the run is paused",
    Tell.SUSPEND: "that the run is suspended, and to let go of it",
    Tell.RESUME: "to go on",
}


#: What must have happened by a run's deadline.
_DUE: Mapping[StateType | None, str] = {
    CANCELLING: "whoever has it must confirm that it stopped",
    PENDING: "whoever has it must bring it to RUNNING",
    PAUSED: "it must be resumed",
}


def time_words(micros: int) -> str:
    """A time in microseconds as RFC 3339, in UTC. One outside of the years 1 to 9999 becomes the nearest of them."""
    inside = min(max(micros, _FIRST // _MICROSECOND), _LAST // _MICROSECOND)
    return (_EPOCH + timedelta(microseconds=inside)).isoformat().replace("+00:00", "Z")


def consequences_in_words(run: Run, decision: Decision, limits: Sequence[Limit]) -> tuple[str, ...]:
    """All that would follow, in order. `run` is as it would be then; `limits` are those that it is subject to."""
    said = [words for effect in decision.effects if (words := _effect_words(effect, run, limits)) is not None]
    if run.state_type in (SCHEDULED, PENDING) and run.state_scheduled_time is not None:
        said.append(f"it is scheduled for {time_words(run.state_scheduled_time)}")
    if run.deadline_time is not None:
        said.append(f"{_DUE[run.state_type]} by {time_words(run.deadline_time)}")
    return tuple(said)


def _effect_words(effect: Effect, run: Run, limits: Sequence[Limit]) -> str | None:
    """What one effect means; None for what only the policy minds."""
    match effect:
        case TakeSlots() | KeepSlots() | Queued() | StopOthers():
            return _slot_words(effect, run, limits)
        case TellHolder(session_id, what):
            return f"session {session_id} is told {_TOLD[what]}"
        case MirrorToParent(task_run_id):
            return f"task run {task_run_id}, which stands for it in the parent, enters the same state"
        case StopBelow():
            return "its subflows are told to stop, and task runs that nobody works on are ended"
        case EndPutOff():
            return "task runs that its pause has put off are ended"
        case Restart():
            return "its attempts are counted from the start again"
        case KeepInCache(cache_key, expire_time):
            until = f" until {time_words(expire_time)}" if expire_time is not None else ""
            return f"its result is handed out for the cache key {cache_key!r}{until}"
        case Remember():
            return None


def _slot_words(effect: TakeSlots | KeepSlots | Queued | StopOthers, run: Run, limits: Sequence[Limit]) -> str | None:
    match effect:
        case TakeSlots(limit_ids):
            named = _named(limit_ids, limits)
            taken = ", ".join(f"{each.title} ({each.taken + 1} of {each.slots} then taken)" for each in named)
            return f"it takes a slot of {taken}"
        case KeepSlots(expire_time):
            # A session keeps them by being there.
            until = f" until {time_words(expire_time)}" if run.session_id is None else ""
            return f"it keeps its slots{until}" if run.holds_slots else None
        case Queued(limit_ids):
            return f"it stands in the queue of {', '.join(limit.title for limit in _named(limit_ids, limits))}"
        case StopOthers(limit_id):
            held = ", ".join(limit.title for limit in _named((limit_id,), limits))
            return f"runs that hold a slot of {held} are told to stop"


def _named(limit_ids: Sequence[str], limits: Sequence[Limit]) -> list[Limit]:
    return [limit for limit in limits if limit.id in limit_ids]
