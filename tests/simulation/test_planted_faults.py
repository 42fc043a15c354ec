"""That the simulation finds faults: each of these is planted, found, and told in a few lines."""

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from antiphon_server.application import handing_over, sessions, slot_moves, transitions
from antiphon_server.domain import bookkeeping
from antiphon_server.domain.rules.fenced_out import FencedOut
from antiphon_server.domain.rules.take_tag_slots import TakeTagSlots
from antiphon_server.storage.slot_book import SlotBook
from simulation.events import lines
from simulation.playing import live
from simulation.shrinking import Shrinker

#: Events that the shortest history may have.
FEW = 14
Plant = Callable[[pytest.MonkeyPatch], None]


def _slots_are_never_given_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SlotBook, "give_back", lambda book, holder_id: None)


def _all_states_keep_slots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(slot_moves, "keeps", lambda is_flow_run, state: True)


def _tags_never_run_out(patch: pytest.MonkeyPatch) -> None:
    check = TakeTagSlots.check

    def generous(rule: TakeTagSlots, facts: Any, proposal: Any, now: int) -> Any:
        for limit in facts.limits:
            limit.taken = 0
        return check(rule, facts, proposal, now)

    patch.setattr(TakeTagSlots, "check", generous)


def _last(working_set: Any, queue: Any) -> Any:
    if handing_over._exhausted(working_set, queue.limit_id):
        return None
    last = (queue.after.rank, queue.after.position) if queue.after is not None else (2**31, 0)
    found, waiter = None, None
    while (waiter := working_set.waiting.next_for(queue.limit_id, after=waiter)) is not None:
        found = waiter if (waiter.rank, waiter.position) < last else found
    return found


def _the_last_is_served_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handing_over, "_first", _last)


def _nobody_is_served(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handing_over, "_serve_in_turn", lambda working_set, queues, most: ([], most))


def _old_claims_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FencedOut, "check", lambda rule, facts, proposal, now: None)


def _claims_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bookkeeping, "PENDING", None)


def _verdicts_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "decided_before", lambda working_set, proposal: None)


def _epochs_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sessions, "check_epoch", lambda session, epoch: None)


def _the_dead_keep_their_runs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sessions, "_end_run", lambda *arguments: None)


def _claims_have_no_deadline(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "deadline_of", lambda run, deployment: None)


def _times_stand_still(patch: pytest.MonkeyPatch) -> None:
    real = bookkeeping._leave
    patch.setattr(bookkeeping, "_leave", lambda run, state, time: real(run, state, time - 1))


#: The fault, and the promise that it breaks.
FAULTS: dict[str, tuple[Plant, str]] = {
    "slots are never given back": (_slots_are_never_given_back, "slots are given back"),
    "all states keep slots": (_all_states_keep_slots, "slots are given back"),
    "tags never run out": (_tags_never_run_out, "no more slots than there are"),
    "the last is served first": (_the_last_is_served_first, "waiters are served in order"),
    "nobody is served": (_nobody_is_served, "nobody waits for what is free"),
    "old claims count": (_old_claims_count, "old claims are fenced off"),
    "claims are not counted": (_claims_are_not_counted, "rows tell their history"),
    "verdicts are forgotten": (_verdicts_are_forgotten, "no bugs"),
    "epochs are not looked at": (_epochs_are_not_looked_at, "zombies are fenced off"),
    "the dead keep their runs": (_the_dead_keep_their_runs, "the dead hold nothing"),
    "claims have no deadline": (_claims_have_no_deadline, "nothing is claimed for ever"),
    "times are wrong": (_times_stand_still, "rows tell their history"),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_told_in_a_few_lines(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, promise = FAULTS[fault]
    plant(monkeypatch)
    for seed in range(1, 30):
        history, violation = live(seed, 120, 5)
        if violation is not None:
            break
    assert violation is not None, "nobody noticed"
    shrinker = Shrinker(violation, budget=20)
    shortest = shrinker.shrink(history)
    assert violation.promise == promise, "".join(traceback.format_exception(violation))
    assert len(shortest) <= FEW, "\n".join(lines(shortest))
