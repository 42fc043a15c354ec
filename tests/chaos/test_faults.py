"""The plan: the same for the same seed, within its time, and with something of everything."""

from collections import Counter, defaultdict

import pytest

from chaos.faults import RATES, Kind, Rate, Shape, plan

SHAPE = Shape(replicas=3, processes=12, lines=12)
LONG = 3600.0


def test_the_same_seed_makes_the_same_plan() -> None:
    assert plan(7, 120, SHAPE) == plan(7, 120, SHAPE) != plan(8, 120, SHAPE)


def test_a_longer_plan_begins_as_a_shorter_one() -> None:
    """So that a violation late in a long run can be looked at in runs that are cut short behind it."""
    short = [(fault.at, fault.kind, fault.target, fault.other) for fault in plan(7, 60, SHAPE)]
    longer = [(fault.at, fault.kind, fault.target, fault.other) for fault in plan(7, 120, SHAPE)]
    assert longer[: len(short)] == short


def test_another_rate_of_one_kind_leaves_cuts_where_they_are() -> None:
    def cuts(rates: dict[Kind, Rate]) -> list[float]:
        return [fault.at for fault in plan(7, 60, SHAPE, rates) if fault.kind is Kind.CUT_LINK]

    assert cuts(RATES) == cuts({**RATES, Kind.KILL_REPLICA: Rate(0)})


@pytest.mark.parametrize("seed", range(5))
def test_all_is_within_its_bounds(seed: int) -> None:
    faults = plan(seed, LONG, SHAPE)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert {fault.kind for fault in faults} == set(Kind)
    for fault in faults:
        rate = RATES[fault.kind]
        assert 0 <= fault.at < LONG and fault.at + fault.lasts <= LONG + 0.001
        assert fault.lasts <= rate.longest
        bound = {"replica": SHAPE.replicas, "process": SHAPE.processes}.get(fault.kind.rpartition("-")[2], SHAPE.lines)
        assert 0 <= fault.target < bound and 0 <= fault.other < SHAPE.replicas


def test_what_is_broken_is_mended_before_it_is_broken_again() -> None:
    until: dict[object, float] = defaultdict(float)
    for fault in plan(1, LONG, SHAPE):
        if fault.kind in (Kind.KILL_REPLICA, Kind.STOP_REPLICA, Kind.END_REPLICA):
            assert fault.at >= until[fault.target]
            until[fault.target] = fault.at + fault.lasts


def test_enough_is_broken() -> None:
    """10,000 cuts and 200 kills in half an hour."""
    counts = Counter(fault.kind for fault in plan(3, LONG / 2, SHAPE))
    assert sum(count for kind, count in counts.items() if kind.startswith("cut")) > 10_000
    assert sum(count for kind, count in counts.items() if kind.startswith("kill")) > 200
