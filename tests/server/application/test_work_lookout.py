"""Who is picked for a run."""

import pytest

from antiphon_server.application.takers import Parcel, Taker, affinity_of
from antiphon_server.application.work_lookout import Found, pick
from antiphon_server.storage.work_lines import OpenQueue, Queued

NOW = 1_000


async def keep(parcel: Parcel) -> None: ...


def taker(name: str, credit: int = 1, **more: object) -> Taker:
    made = Taker(f"session of {name}", name, keep, work_pool_id="pool", **more)  # type: ignore[arg-type]
    made.add_credit(credit)
    return made


def found(id: str, queue: OpenQueue | None = None, time: int = NOW, affinity: str = "", rank: int = 0) -> Found:
    return Found(queue or OpenQueue("q", "queue", 1, None, None), affinity, Queued(rank, time, id))


def picked(takers: list[Taker], runs: list[Found], most: int = 100) -> dict[str, str]:
    return {id: who.name for id, who in pick(takers, runs, NOW, most)}


def test_who_has_most_room_is_picked_and_uses_it_up() -> None:
    wide, narrow = taker("wide", 3), taker("narrow", 1)
    runs = [found(str(number)) for number in range(6)]
    assert list(picked([wide, narrow], runs).values()) == ["wide", "wide", "wide", "narrow"]
    assert (wide.credit, narrow.credit) == (0, 0)


def test_no_more_are_picked_than_asked_for() -> None:
    assert len(picked([taker("w", 9)], [found(str(number)) for number in range(6)], most=2)) == 2


@pytest.mark.parametrize(
    ("room", "pool_room", "expected"), [(None, None, 4), (1, None, 1), (None, 2, 2), (3, 2, 2), (0, 9, 0)]
)
def test_the_room_of_queue_and_pool_is_kept(room: int | None, pool_room: int | None, expected: int) -> None:
    queue = OpenQueue("q", "queue", 1, room, pool_room)
    assert len(picked([taker("w", 9)], [found(str(number), queue) for number in range(4)])) == expected


def test_a_full_queue_holds_no_other_back() -> None:
    full, other = OpenQueue("a", "a", 1, 1, 3), OpenQueue("b", "b", 2, None, 3)
    runs = [found("1", full), found("2", full), found("3", other), found("4", other), found("5", other)]
    assert set(picked([taker("w", 9)], runs)) == {"1", "3", "4"}


def test_labels_names_and_times_say_who_may() -> None:
    gpu = '{"preferred": {"zone": "x"}, "required": {"gpu": "yes"}}'
    near, far = taker("near", labels={"gpu": "yes", "zone": "x"}), taker("far", 9, labels={"gpu": "yes"})
    assert picked([near, far, taker("plain", 99)], [found("1", affinity=gpu), found("2", affinity=gpu)]) == {
        "1": "near",
        "2": "far",
    }
    only = taker("only", 5, queue_names=["other"])
    assert picked([only], [found("1")]) == {}
    ahead, now = taker("ahead", 1, prefetch=10), taker("now", 9)
    assert picked([ahead, now], [found("1", time=NOW + 10), found("2", time=NOW + 10)]) == {"1": "ahead"}


def test_who_declined_or_stalled_is_passed_over() -> None:
    busy, deaf, other = taker("busy", 9), taker("deaf", 99), taker("other", 1)
    busy.declined.add("1")
    deaf.stalled = True
    assert picked([busy, deaf, other], [found("1"), found("2")]) == {"1": "other", "2": "busy"}


def test_who_takes_no_more_does_not_for_what_could_not_be_claimed_for_it() -> None:
    leaving = taker("leaving", 3)
    picked([leaving], [found("1"), found("2")])
    leaving.no_more()
    leaving.take_back(2)
    assert not leaving.open
    leaving.add_credit(1)
    assert (leaving.open, leaving.credit) == (True, 1)


def test_what_a_run_asks_of_its_worker() -> None:
    assert affinity_of("") == {}
    asked = affinity_of('{"required": {"a": "1"}}')
    assert taker("w", labels={"a": "1", "b": "2"}).suits(asked)
    assert not taker("w", labels={"a": "2"}).suits(asked)
