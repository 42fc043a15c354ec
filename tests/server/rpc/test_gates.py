"""How many calls may be under way, with the clock and chance in the test's hand."""

import pytest

from antiphon_server.domain.errors import Unavailable
from antiphon_server.rpc.gates import LATEST, LEAST, MOST, SOONEST, START, TARGET, WINDOW, Gate, PacedGate


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def even(low: float, high: float) -> float:
    return (low + high) / 2


def told(gate: Gate) -> float:
    """The seconds that a call which finds no room is told to wait."""
    error = gate.refuse()
    assert error.reason == "SERVER_BUSY"
    assert error.retry_after is not None
    return error.retry_after / 1e6


def load(gate: PacedGate, time: Time, *, rate: float, offered: float, seconds: float) -> None:
    """Lets calls come and be answered at steady rates, a call that finds no room being gone."""
    step = 0.01
    coming = answered = 0.0
    for _ in range(round(seconds / step)):
        time.now += step
        coming += offered * step
        while coming >= 1:
            coming -= 1
            if not gate.full:
                gate.enter()
            else:
                gate.refuse()
        answered = min(answered + rate * step, gate.under_way)
        while answered >= 1:
            answered -= 1
            gate.leave()


def test_a_gate_lets_so_many_in_and_others_once_one_has_left() -> None:
    gate = Gate("calls", 2, Time(), even)
    gate.enter()
    gate.enter()
    with pytest.raises(Unavailable) as caught:
        gate.enter()
    assert caught.value.retry_after == 1_000_000
    gate.leave()
    gate.enter()
    assert (gate.under_way, gate.refused) == (2, 1)


def test_a_call_that_fails_leaves_too() -> None:
    gate = Gate("calls", 1)
    with pytest.raises(ValueError, match="wrong"), gate.passed():
        raise ValueError("wrong")
    assert gate.under_way == 0


@pytest.mark.parametrize("rate", [1000.0, 2000.0, 8000.0])
def test_under_overload_as_many_are_under_way_as_are_answered_in_the_target(rate: float) -> None:
    time = Time()
    gate = PacedGate("writes", time, even)
    load(gate, time, rate=rate, offered=2 * rate, seconds=10)
    assert gate.limit == pytest.approx(rate * TARGET, rel=0.1)
    assert gate.under_way / rate == pytest.approx(TARGET, rel=0.15)


@pytest.mark.parametrize(("rate", "limit"), [(50.0, LEAST), (100_000.0, MOST)])
def test_the_limit_has_bounds(rate: float, limit: int) -> None:
    time = Time()
    gate = PacedGate("writes", time, even)
    load(gate, time, rate=rate, offered=2 * rate + 1000, seconds=10)
    assert gate.limit == limit


def test_a_server_with_time_to_spare_takes_in_a_burst() -> None:
    time = Time()
    gate = PacedGate("writes", time, even)
    load(gate, time, rate=100.0, offered=1000.0, seconds=5)
    assert gate.limit == LEAST
    load(gate, time, rate=1000.0, offered=100.0, seconds=5)
    assert gate.limit == START


def test_time_in_which_nothing_came_says_nothing_of_the_speed() -> None:
    time = Time()
    gate = PacedGate("writes", time, even)
    time.now += 3600
    for _ in range(START):
        gate.enter()
    assert gate.full
    time.now += WINDOW
    for _ in range(START):
        gate.leave()
    assert gate.limit >= START // 2


def test_the_wait_follows_how_many_are_here_and_were_turned_away() -> None:
    time = Time()
    gate = PacedGate("writes", time, even)
    load(gate, time, rate=1000.0, offered=2000.0, seconds=5)
    first = told(gate)
    for _ in range(2000):
        gate.refuse()
    # As long as a thousand a second need for two thousand more.
    assert told(gate) - first == pytest.approx(2.0, rel=0.1)
    for _ in range(100_000):
        gate.refuse()
    assert told(gate) == LATEST


def test_those_who_are_told_at_once_do_not_come_back_at_once() -> None:
    gate = PacedGate("writes", Time())
    waits = {told(gate) for _ in range(200)}
    assert len(waits) > 150
    assert min(waits) >= SOONEST / 2
