"""Who gets how much of a transaction."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.storage.fair_queue import QUANTUM, FairQueue

WEIGHT = 16 * QUANTUM
MOST = 10_000


def filled(items: list[tuple[str, int]]) -> FairQueue[tuple[str, int]]:
    """Items are their owner and their number."""
    fair: FairQueue[tuple[str, int]] = FairQueue()
    for number, (owner, weight) in enumerate(items):
        fair.put((owner, number), owner, weight)
    return fair


def taken_by(fair: FairQueue[tuple[str, int]]) -> Counter[str]:
    return Counter(owner for owner, _ in fair.take(MOST, WEIGHT))


def test_a_lone_item_is_in_the_next_batch_however_much_another_owner_has_queued() -> None:
    fair = filled([("greedy", 128)] * 64)
    fair.put(("lone", -1), "lone", 1)
    assert taken_by(fair)["lone"] == 1


def test_a_lone_item_is_in_the_next_batch_however_many_owners_have_much_queued() -> None:
    fair = filled([(f"greedy {number}", 128) for number in range(1000) for _ in range(8)])
    fair.take(MOST, WEIGHT)
    for number in range(1000):  # They are not new for saying more.
        fair.put((f"greedy {number}", -1), f"greedy {number}", 128)
    fair.put(("lone", -1), "lone", 1)
    first = taken_by(fair)
    # Those that had no turn yet are before it, each once.
    rounds = 1
    while not first["lone"]:
        first = taken_by(fair)
        rounds += 1
    assert rounds <= 1000 * 128 / WEIGHT + 1


def test_who_comes_again_before_its_turn_in_the_round_is_not_new_again() -> None:
    fair = filled([("steady", 1)] * (3 * WEIGHT))
    shares: Counter[str] = Counter()
    for _ in range(3):
        fair.put(("eager", -1), "eager", WEIGHT // 2)
        shares += taken_by(fair)
    assert shares["steady"] > WEIGHT


def test_owners_share_by_weight_and_not_by_number() -> None:
    fair = filled([("large", 128)] * 100 + [("small", 1)] * 10_000)
    shares: Counter[str] = Counter()
    for _ in range(8):
        shares += taken_by(fair)
    assert 0.8 < shares["large"] * 128 / shares["small"] < 1.25


def test_one_owner_alone_gets_all_of_a_batch() -> None:
    fair = filled([("alone", 128)] * 64)
    assert taken_by(fair) == {"alone": WEIGHT // 128}
    assert len(fair) == 64 - WEIGHT // 128


def test_an_item_that_is_heavier_than_a_batch_is_taken() -> None:
    fair = filled([("alone", 10 * WEIGHT), ("alone", 1)])
    assert [len(fair.take(MOST, WEIGHT)) for _ in range(3)] == [1, 1, 0]


def test_nothing_is_remembered_of_owners_once_the_queue_is_empty() -> None:
    fair: FairQueue[int] = FairQueue()
    for number in range(100):
        fair.put(number, f"owner {number}", 1)
        assert fair.take(MOST, WEIGHT) == [number]
    assert not vars(fair)["_waiting"]
    assert not vars(fair)["_round"]


def test_owners_are_those_who_wait() -> None:
    fair = filled([("one", 1), ("two", 1), ("two", 1)])
    assert fair.owners() == {"one", "two"}
    fair.take(2, WEIGHT)
    assert fair.owners() == {"two"}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 300))),
    st.integers(1, 50),
    st.integers(1, 2000),
)
def test_all_is_taken_once_and_in_order_for_each_owner(
    items: list[tuple[str, int]], most: int, most_weight: int
) -> None:
    fair = filled(items)
    taken: list[tuple[str, int]] = []
    while len(fair):
        batch = fair.take(most, most_weight)
        assert 1 <= len(batch) <= most
        taken += batch
    assert len(taken) == len(items)
    for owner in "abcd":
        numbers = [number for who, number in taken if who == owner]
        assert numbers == [number for number, (who, _) in enumerate(items) if who == owner]
