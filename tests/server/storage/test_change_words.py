"""What one server says of its commit, another one understands."""

import dataclasses
from typing import Any

from antiphon_server.domain.errors import AntiphonError, NotFound, ResourceExhausted
from antiphon_server.domain.leases import Lease
from antiphon_server.domain.model import RunKind
from antiphon_server.storage.change_words import changes_of, words_of
from antiphon_server.storage.working_set import Changes, FinalVerdict

LEASE = Lease("l", ("db", "\0"), 1, 0, True, "me", None, "r", b"\x00\xff", 5, 9, 1, "server")
GONE = NotFound("FLOW_RUN_NOT_FOUND", "there is none", metadata={"id": "f"})
#: What stays with the server that did it.
OWN = {"number", "commands", "waits", "final_verdicts", "unserved", "slot_expiry", "tally", "commanded", "decided"}
FULL: dict[str, Any] = {
    "runs": {(RunKind.FLOW_RUN, "f"): "f", (RunKind.TASK_RUN, "t"): "f", (RunKind.TASK_RUN, "alone"): None},
    "ended_waits": [("t1", "f")],
    "leases": [("l", LEASE)],
    "ended_sessions": ["s"],
    "resumed": {"s": 3},
    "told": {"f"},
    "queued": {"task": 7},
    "queued_work": {"queue": 8},
    "room_for_work": True,
    "slots_for_work": True,
    "ended_runs": ["f", "t"],
    "schedules": True,
    "deployments": {"d": None},
    "workers": {"w": "s", "v": None},
    "logs": [("line", "f"), ("other", None)],
    "operations": ["o"],
    "kept_leases": {"ended": False, "changed": True},
    "lease_epoch": "run",
    "leadership": True,
}


def heard(changes: Changes) -> Changes:
    words = words_of(changes)
    assert words is not None
    return changes_of(words, 5)


def test_every_field_is_said_or_stays_where_it_is() -> None:
    assert {field.name for field in dataclasses.fields(Changes)} == OWN | FULL.keys()


def test_what_is_said_is_understood() -> None:
    found = heard(Changes(**FULL))
    assert found == Changes(number=5, **FULL)
    # In their order, which gives changes of one commit their numbers.
    assert list(found.runs) == list(FULL["runs"])


def test_commands_and_verdicts_are_named_and_not_told() -> None:
    rows = [{"id": "c", "session_id": "s", "kind": "cancel_run", "reason": "secret"}]
    finals = [FinalVerdict("s", 1, "t1", object()), FinalVerdict("s", 2, "t2", GONE)]
    words = words_of(Changes(commands=rows, final_verdicts=finals))
    assert words is not None and "secret" not in words
    found = changes_of(words, 1)
    assert (found.commands, found.commanded) == ([], [("s", "c")])
    verdict, error = found.decided
    assert verdict == FinalVerdict("s", 1, "t1", None)
    assert (error.transition_id, said(error.answer)) == ("t2", said(GONE))


def test_why_there_is_no_lease_is_said() -> None:
    full = ResourceExhausted("TOO_MANY", "too many", retry_after=3)
    ((id, answer),) = heard(Changes(leases=[("l", full)])).leases
    assert (id, said(answer)) == ("l", said(full))


def test_nothing_is_said_of_nothing() -> None:
    assert words_of(Changes()) is None
    assert words_of(Changes(slot_expiry=5, waits=[{}])) is None


def said(error: Any) -> tuple[Any, ...]:
    assert isinstance(error, AntiphonError)
    return type(error), error.reason, error.message, error.retry_after, dict(error.metadata)
