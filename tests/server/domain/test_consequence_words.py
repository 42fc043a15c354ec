"""What would follow, in words."""

import pytest

from antiphon_server.domain.consequence_words import consequences_in_words, time_words
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
    TakeSlots,
    Tell,
    TellHolder,
)
from antiphon_server.domain.facts import Limit
from antiphon_server.domain.model import Run
from antiphon_server.domain.states import CANCELLING, PENDING, SCHEDULED, StateType, VerdictKind

NOON = 1_767_268_800_000_000
LIMITS = (Limit("1", "tag:a", 3, taken=1), Limit("2", "tag:b", 1), Limit("3", "tag:c", 9))


def words(*effects: Effect, run: Run | None = None) -> tuple[str, ...]:
    decision = Decision(VerdictKind.ACCEPT, None, effects=effects)
    return consequences_in_words(run or Run("run"), decision, LIMITS)


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (TakeSlots(("1", "2")), "it takes a slot of tag:a (2 of 3 then taken), tag:b (1 of 1 then taken)"),
        (Queued(("1", "3")), "it stands in the queue of tag:a, tag:c"),
        (TellHolder("s", Tell.CANCEL, ""), "session s is told to stop"),
        (TellHolder("s", Tell.REVOKE, ""), "session s is told that the run is no longer its own"),
        (TellHolder("s", Tell.KILL, ""), "session s is told to kill what the run runs on"),
        (MirrorToParent("t"), "task run t, which stands for it in the parent, enters the same state"),
        (
            StopBelow("", None, final=False),
            "its subflows are told to stop, and task runs that nobody works on are ended",
        ),
        (EndPutOff(), "task runs that its pause has put off are ended"),
        (Restart(), "its attempts are counted from the start again"),
        (KeepInCache("k", None), "its result is handed out for the cache key 'k'"),
        (KeepInCache("k", NOON), "its result is handed out for the cache key 'k' until 2026-01-01T12:00:00Z"),
    ],
)
def test_every_effect_that_people_notice_is_told(effect: Effect, said: str) -> None:
    assert words(effect) == (said,)


def test_what_only_the_policy_minds_is_not_told() -> None:
    assert words(Remember(resuming=True, retry_type=None, pause_keys=()), Restart()) == (words(Restart())[0],)


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (SCHEDULED, ("it is scheduled for 2026-01-01T12:00:00Z",)),
        (
            PENDING,
            (
                "it is scheduled for 2026-01-01T12:00:00Z",
                "whoever has it must bring it to RUNNING by 2026-01-01T12:00:01Z",
            ),
        ),
        (CANCELLING, ("whoever has it must confirm that it stopped by 2026-01-01T12:00:01Z",)),
    ],
)
def test_times_that_hold_then(type_: StateType, said: tuple[str, ...]) -> None:
    deadline = None if type_ is SCHEDULED else NOON + 1_000_000
    run = Run("run", state_type=type_, state_scheduled_time=NOON, deadline_time=deadline)
    assert words(run=run) == said


def test_slots_are_kept_by_who_has_some() -> None:
    kept = KeepSlots(NOON)
    assert words(kept, run=Run("run", holds_slots=True)) == ("it keeps its slots until 2026-01-01T12:00:00Z",)
    assert words(kept, run=Run("run", holds_slots=True, session_id="s")) == ("it keeps its slots",)
    assert words(kept, run=Run("run")) == ()


def test_times_that_no_calendar_has() -> None:
    assert time_words(2**62) == "9999-12-31T23:59:59.999999Z"
    assert time_words(-(2**62)) == "0001-01-01T00:00:00Z"
    assert time_words(1) == "1970-01-01T00:00:00.000001Z"
