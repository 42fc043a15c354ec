"""When to try again, on a clock that the test holds."""

from antiphon.session.outage import ELSEWHERE_DELAY, FIRST_DELAY, LONGEST_DELAY, Outage


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_delays_double_up_to_a_bound_with_full_jitter() -> None:
    bounds: list[float] = []

    def jitter(low: float, high: float) -> float:
        assert low == 0.0
        bounds.append(high)
        return high / 2

    outage = Outage(Clock(), jitter)
    delays = [outage.next_delay(None) for _ in range(12)]
    assert bounds[:4] == [0.01, 0.02, 0.04, 0.08] and bounds[-1] == LONGEST_DELAY == max(bounds)
    assert delays == [bound / 2 for bound in bounds]


def test_it_gives_up_after_the_limit_and_not_before() -> None:
    clock = Clock()
    outage = Outage(clock, lambda low, high: high)
    assert not outage.lasts and outage.seconds == 0.0
    outage.begin()
    clock.now += 9.5
    outage.begin()
    assert outage.lasts and outage.seconds == 9.5
    assert outage.next_delay(10.0, retry_after=3.0) == 0.5, "the last attempt is made when the limit is reached"
    clock.now += 0.5
    assert outage.next_delay(10.0) is None


def test_the_server_may_ask_for_more_and_not_all_come_back_as_it_is_over() -> None:
    earliest, latest = Outage(Clock(), lambda low, high: low), Outage(Clock(), lambda low, high: high)
    assert earliest.next_delay(None, retry_after=8.0) == 8.0
    assert latest.next_delay(None, retry_after=8.0) == 12.0


def test_another_server_is_gone_to_soon_and_that_counts_as_no_failure() -> None:
    outage = Outage(Clock(), lambda low, high: high)
    assert [outage.next_delay(None, elsewhere=True) for _ in range(5)] == [ELSEWHERE_DELAY] * 5
    assert outage.next_delay(None) == FIRST_DELAY
    assert outage.lasts


def test_an_end_starts_all_anew() -> None:
    clock = Clock()
    outage = Outage(clock, lambda low, high: high)
    for _ in range(5):
        outage.next_delay(60.0)
    clock.now += 59
    outage.end()
    assert outage.next_delay(60.0) == 0.01 and outage.seconds == 0.0
