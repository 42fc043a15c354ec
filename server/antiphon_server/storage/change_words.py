"""What one server's commit changed, in words for the others of its database: ids, by which they read what they need."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from antiphon_server.domain import errors
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.leases import Lease
from antiphon_server.domain.model import RunKind
from antiphon_server.storage.working_set import Changes, FinalVerdict

#: Fields that are written as they are: lists, objects and truths.
_PLAIN = (
    *("ended_sessions", "resumed", "queued", "queued_work", "room_for_work", "slots_for_work", "ended_runs"),
    *("schedules", "workers", "operations", "leadership", "kept_leases", "lease_epoch"),
)
_PAIRS = ("ended_waits", "logs")


def words_of(changes: Changes) -> str | None:
    """None where there is nothing that another server wants to know."""
    found = dict(_words(changes))
    return json.dumps(found, separators=(",", ":")) if found else None


def _words(changes: Changes) -> Iterator[tuple[str, Any]]:
    for name in (*_PLAIN, *_PAIRS):
        if value := getattr(changes, name):
            yield name, value
    if changes.runs:
        # The kind of a run follows: a flow run is around itself.
        yield "runs", [(id, around) for (_, id), around in changes.runs.items()]
    if changes.commands:
        yield "commanded", [(row["session_id"], row["id"]) for row in changes.commands]
    if changes.told:
        yield "told", list(changes.told)
    if changes.deployments:
        yield "deployments", list(changes.deployments)
    if changes.final_verdicts:
        yield "decided", [_decided(each) for each in changes.final_verdicts]
    if changes.leases:
        yield "leases", [(id, _answer(answer)) for id, answer in changes.leases]


def _decided(final: FinalVerdict) -> tuple[str, int, str, Any]:
    # A verdict is remembered, and read; only why there is none is not.
    why = _error(final.answer) if isinstance(final.answer, AntiphonError) else None
    return final.session_id, final.sequence, final.transition_id, why


def _answer(answer: Lease | AntiphonError) -> dict[str, Any]:
    if isinstance(answer, AntiphonError):
        return {"error": _error(answer)}
    return {"lease": {**asdict(answer), "digest": answer.digest.hex()}}


def _error(error: AntiphonError) -> tuple[str, str, str, int | None, dict[str, str]]:
    return type(error).__name__, error.reason, error.message, error.retry_after, dict(error.metadata)


def changes_of(text: str, number: int) -> Changes:
    """What `words_of` has said of the commit with this number, as somebody else's changes."""
    words: dict[str, Any] = json.loads(text)
    found = Changes(number=number)
    for name in _PLAIN:
        if name in words:
            setattr(found, name, words[name])
    for name in _PAIRS:
        setattr(found, name, list(map(tuple, words.get(name, ()))))
    for id, around in words.get("runs", ()):
        found.runs[RunKind.FLOW_RUN if id == around else RunKind.TASK_RUN, id] = around
    found.commanded = list(map(tuple, words.get("commanded", ())))
    found.told = set(words.get("told", ()))
    found.deployments = dict.fromkeys(words.get("deployments", ()))
    found.decided = list(_decided_from(words.get("decided", ())))
    found.leases = [(id, _answer_from(answer)) for id, answer in words.get("leases", ())]
    return found


def _decided_from(said: Iterable[Any]) -> Iterator[FinalVerdict]:
    for session_id, sequence, transition_id, why in said:
        yield FinalVerdict(session_id, sequence, transition_id, None if why is None else _error_from(why))


def _answer_from(answer: Mapping[str, Any]) -> Lease | AntiphonError:
    if "error" in answer:
        return _error_from(answer["error"])
    lease = answer["lease"]
    return Lease(**{**lease, "names": tuple(lease["names"]), "digest": bytes.fromhex(lease["digest"])})


def _error_from(said: tuple[str, str, str, int | None, dict[str, str]]) -> AntiphonError:
    kind, reason, message, retry_after, metadata = said
    made: AntiphonError = getattr(errors, kind)(reason, message, retry_after=retry_after, metadata=metadata)
    return made
