"""From the words of the files to ours: ids, times, states, retry policies."""

import uuid
from typing import Any

from antiphon.v1 import payload_pb2
from antiphon_server.domain.model import Proposal, RetryPolicy, RunKind, State, StateDetails
from antiphon_server.domain.states import StateType
from oracle.cases import Json

#: Microseconds since the epoch: the moment of every case, far from any limit of the clock.
NOW = 1_750_000_000_000_000
_SPACE = uuid.UUID("6f0f4e5e-0f7c-4c39-9e0b-7a2b1d1f5a11")

#: detail of theirs -> ours and whether it is a time
_DETAILS: dict[str, tuple[str, bool]] = {
    "scheduled_time_s": ("scheduled_time", True),
    "pause_timeout_s": ("pause_expire_time", True),
    "pause_reschedule": ("pause_reschedule", False),
    "pause_key": ("pause_key", False),
    "cache_key": ("cache_key", False),
    "cache_expiration_s": ("cache_expire_time", True),
    "refresh_cache": ("refresh_cache", False),
    "retriable": ("retriable", False),
    "deferred": ("deferred", False),
    "task_parameters_id": ("task_parameters_id", False),
}


def id_of(*words: str) -> str:
    """A UUID that is the same for the same words."""
    return str(uuid.uuid5(_SPACE, "/".join(words)))


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def moment(seconds: float | None, now: int) -> int | None:
    return None if seconds is None else now + micros(seconds)


def seconds(time: int | None, now: int) -> float | None:
    return None if time is None else (time - now) / 1_000_000


def details_of(words: Json, now: int) -> StateDetails | None:
    details, said = StateDetails(), False
    for theirs, (ours, is_time) in _DETAILS.items():
        value: Any = words.get(theirs)
        if value is None:
            continue
        if theirs == "cache_key" and value.startswith("len:"):
            value = "k" * int(value.removeprefix("len:"))
        setattr(details, ours, moment(value, now) if is_time else value)
        said = True
    return details if said else None


def words_of(details: StateDetails, now: int) -> Json:
    """The details that are compared, in the words of the files."""
    found: Json = {}
    for theirs, (ours, is_time) in _DETAILS.items():
        value = getattr(details, ours)
        if value in (None, False, ""):
            continue
        if theirs == "cache_key" and set(value) == {"k"}:
            value = f"len:{len(value)}"
        found[theirs] = seconds(value, now) if is_time else value
    return found


def state_of(words: Json, state_id: str, now: int) -> State:
    return State(
        StateType[words["type"]],
        words["name"],
        words.get("message") or "",
        details_of(words.get("details") or {}, now),
        data_of(words.get("data")),
        state_id,
    )


def data_of(marker: Any) -> bytes | None:
    """Any result that is stored is a payload to us, whatever it is made of; an unpersisted one is none."""
    if marker is None or marker == "unpersisted":
        return None
    payload = payload_pb2.Payload(metadata={"encoding": "json/plain"}, data=repr(marker).encode())
    return payload.SerializeToString(deterministic=True)


def retry_policy_of(context: Json) -> RetryPolicy | None:
    """Theirs retries where a number of retries is set at all, also 0."""
    retries = context.get("retries")
    if retries is None:
        return None
    delay = context.get("retry_delay")
    delays = delay if isinstance(delay, list) else [] if delay is None else [delay]
    return RetryPolicy(retries, tuple(micros(each) for each in delays), context.get("retry_jitter_factor") or 0.0)


def state_id(words: Json, otherwise: str) -> str:
    """Theirs notes the id of a transition on the state that it made; to us it is the state's id."""
    noted = (words.get("details") or {}).get("transition_id")
    return id_of("transition", noted) if noted else id_of(otherwise)


def proposal_of(kind: RunKind, run_id: str, words: Json, force: bool, now: int, otherwise: str) -> Proposal:
    transition_id = state_id(words, otherwise)
    digest = repr(sorted(words.items(), key=str)).encode()
    return Proposal(transition_id, kind, run_id, state_of(words, transition_id, now), force=force, digest=digest)
