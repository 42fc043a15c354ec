"""What is planned of one schedule, at which time."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from antiphon_server.domain.schedules.days_off import DaysOff
from antiphon_server.domain.schedules.kinds import CatchUp, RuleKind
from antiphon_server.domain.schedules.plan import (
    AHEAD,
    GRACE,
    MOST_AHEAD,
    MOST_MISSED,
    Away,
    Plan,
    Waiting,
    work_out,
)
from antiphon_server.domain.schedules.series import Series, micros_of
from antiphon_server.domain.schedules.timing import Timing

ZONE = ZoneInfo("UTC")
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 24 * 3600 * SECOND
#: A full hour.
NOW = micros_of(datetime(2026, 6, 1, 12, tzinfo=UTC))


def every(seconds: float, **more: Any) -> Series:
    timing = Timing(RuleKind.INTERVAL, ZONE, interval=timedelta(seconds=seconds))
    return Series(timing, id="schedule", **more)


def cron(expression: str) -> Series:
    return Series(Timing(RuleKind.CRON, ZONE, expression))


def minutes(times: Any, now: int = NOW) -> list[float]:
    """From now."""
    return [(time - now) / MINUTE for time in times]


def afresh(series: Series, now: int = NOW, **more: Any) -> Plan:
    return work_out(series, (), now, now, None, **more)


# Ahead


def test_an_hour_ahead_is_planned_and_again_when_half_of_it_is_due() -> None:
    plan = afresh(every(600))
    assert minutes(plan.times) == [10, 20, 30, 40, 50, 60]
    assert (minutes([plan.planned_time]), minutes([plan.plan_time])) == ([60], [40])


def test_one_that_fires_seldom_has_its_next_run() -> None:
    for series, due in ((cron("0 3 * * *"), 15 * 60), (cron("0 0 29 2 *"), None)):
        plan = afresh(series)
        assert len(plan.times) == 1
        assert plan.plan_time == plan.planned_time == plan.times[0]
        assert due is None or minutes(plan.times) == [due]


def test_one_that_fires_often_has_a_hundred() -> None:
    plan = afresh(every(1))
    assert len(plan.times) == MOST_AHEAD
    assert plan.plan_time == NOW + 51 * SECOND
    assert plan.planned_time == NOW + 100 * SECOND


@pytest.mark.parametrize("most", [1, 2, 7, 100])
def test_the_most_that_a_schedule_wants_ahead(most: int) -> None:
    assert len(afresh(every(10), most=most).times) == most
    # It does not make more than an hour of it.
    assert len(afresh(every(1200), most=most).times) == min(most, 3)


def test_what_is_there_already_counts() -> None:
    series = every(600)
    first = afresh(series)
    there = [Waiting(time, str(time)) for time in first.times]
    now = first.plan_time or 0
    plan = work_out(series, there, now, first.planned_time, CatchUp.LATEST)
    assert minutes(plan.times) == [70, 80, 90, 100]
    assert list(plan.dropped) == []
    # With a most of three there are two to come, so one more.
    assert minutes(work_out(series, there, now, first.planned_time, CatchUp.LATEST, most=3).times) == [70]
    assert work_out(series, there, now, first.planned_time, CatchUp.LATEST, most=2).times == []


def test_planned_again_and_again_it_plans_each_time_once() -> None:
    for seconds in (1, 45, 600, 5400, 90_000):
        series, now, since = every(seconds), NOW, NOW
        made: list[int] = []
        policy = None
        while now < NOW + 30 * max(seconds, 60) * SECOND:
            waiting = [Waiting(time, "") for time in made if time > now]
            plan = work_out(series, waiting, now, since, policy)
            made += plan.times
            since, policy = plan.planned_time, CatchUp.SKIP
            assert plan.plan_time is not None
            assert plan.plan_time > now
            now = plan.plan_time
        assert made == list(islice(series.after(NOW), len(made)))
        assert made[-1] >= now


def test_one_that_is_over_is_not_planned_again() -> None:
    over = Series(Timing(RuleKind.RECURRENCE, ZONE, "FREQ=DAILY;UNTIL=20260601T000000Z"))
    assert afresh(over) == Plan([], [], NOW, None)
    last = Series(Timing(RuleKind.RECURRENCE, ZONE, "FREQ=DAILY;UNTIL=20260602T000000Z"))
    plan = afresh(last)
    assert minutes(plan.times) == [720]
    due = plan.times[0]
    assert work_out(last, (), due, plan.planned_time, CatchUp.LATEST).plan_time is None


def test_where_every_day_is_off_nothing_is_planned() -> None:
    everything = DaysOff("all", frozenset(), frozenset(), frozenset(range(1, 8)))
    for series in (every(1, calendars=[everything]), every(90_000, calendars=[everything])):
        assert afresh(series) == Plan([], [], NOW, None)


def test_days_off_are_passed_over() -> None:
    off = DaysOff("off", frozenset({date(2026, 6, 2)}), frozenset({(6, 3)}), frozenset({4}))
    series = Series(Timing(RuleKind.CRON, ZONE, "0 6 * * *"), [off])
    assert minutes(afresh(series).times) == [(4 * 24 - 6) * 60], "Friday: the 2nd, the 3rd and a Thursday are off"


# Jitter


def test_jitter_puts_off_each_start_by_the_same_whenever_it_is_asked() -> None:
    series = every(600, jitter=5 * MINUTE)
    plan = afresh(series)
    assert minutes(plan.times) == [10, 20, 30, 40, 50, 60], "times are without it"
    starts = [series.start(time) - time for time in plan.times]
    assert all(0 <= start < 5 * MINUTE for start in starts)
    assert len(set(starts)) > 3
    assert starts == [series.start(time) - time for time in plan.times]
    other = Series(series.timing, jitter=5 * MINUTE, id="another")
    assert starts != [other.start(time) - time for time in plan.times]


def test_a_time_that_has_passed_is_planned_while_its_start_is_to_come() -> None:
    series = every(600, jitter=10 * MINUTE)
    time = next(series.after(NOW))
    now = (time + series.start(time)) // 2
    assert now > time
    for policy in (None, *CatchUp):
        assert time in work_out(series, (), now, NOW, policy).times
    assert time not in work_out(series, (), series.start(time) + 2 * GRACE, NOW, None).times


# Catching up


def missed(policy: CatchUp | None, series: Series, hours: float, waiting: Any = ()) -> tuple[list[float], list[str]]:
    """In minutes from now, of times that have passed; and the runs that are dropped."""
    since = NOW - round(hours * HOUR)
    plan = work_out(series, waiting, NOW, since, policy, away=Away(since, NOW))
    return [each for each in minutes(plan.times) if each <= 0], list(plan.dropped)


def test_times_that_nobody_planned() -> None:
    series = every(600)
    assert missed(CatchUp.ALL, series, 1)[0] == [-50, -40, -30, -20, -10, 0]
    # What is missed by less than a minute is run in any case.
    assert missed(CatchUp.LATEST, series, 1)[0] == missed(CatchUp.SKIP, series, 1)[0] == [0]
    assert missed(None, series, 1)[0] == []
    late = Series(Timing(RuleKind.CRON, ZONE, "55 * * * *"))
    assert missed(CatchUp.ALL, late, 3)[0] == [-125, -65, -5]
    assert missed(CatchUp.LATEST, late, 3)[0] == [-5]
    assert missed(CatchUp.SKIP, late, 3)[0] == []


def test_in_the_last_minute_nothing_is_missed_whatever_the_policy() -> None:
    series = every(10)
    for policy in (CatchUp.SKIP, CatchUp.LATEST):
        assert minutes(work_out(series, (), NOW, NOW - 25 * SECOND, policy).times)[:3] == [-1 / 3, -1 / 6, 0]
        assert len(missed(policy, series, 1)[0]) == 6


def test_of_many_the_last_thousand_are_caught_up() -> None:
    found = missed(CatchUp.ALL, every(60), 365 * 24)[0]
    assert found == [-each for each in reversed(range(MOST_MISSED))]
    # And of few in a long time each one.
    yearly = Series(Timing(RuleKind.CRON, ZONE, "0 12 1 6 *"))
    assert len(missed(CatchUp.ALL, yearly, 5 * 365.3 * 24)[0]) == 6


def test_runs_that_were_planned_and_nobody_took() -> None:
    series = Series(Timing(RuleKind.CRON, ZONE, "*/10 * * * *"))
    there = [Waiting(NOW - each * MINUTE, str(each)) for each in (50, 40, 30)]
    away = [Waiting(NOW - 500 * MINUTE, "before it went"), *there]
    # They are planned up to 30 minutes ago.
    plans = {
        policy: work_out(series, away, NOW, NOW - 30 * MINUTE, policy, away=Away(NOW - 55 * MINUTE, NOW))
        for policy in CatchUp
    }
    assert list(plans[CatchUp.ALL].dropped) == []
    assert minutes(plans[CatchUp.ALL].times)[:3] == [-20, -10, 0]
    assert plans[CatchUp.SKIP].dropped == plans[CatchUp.LATEST].dropped == ["50", "40", "30"]
    assert minutes(plans[CatchUp.LATEST].times)[:2] == [0, 10]


def test_the_latest_is_one_that_was_planned_where_none_is_later() -> None:
    series = cron("0 3 * * *")
    there = [Waiting(NOW - 33 * HOUR, "old"), Waiting(NOW - 9 * HOUR, "new")]
    away = Away(NOW - 40 * HOUR, NOW)
    latest = work_out(series, there, NOW, NOW - 9 * HOUR, CatchUp.LATEST, away=away)
    assert (latest.dropped, minutes(latest.times)) == (["old"], [15 * 60])
    skipped = work_out(series, there, NOW, NOW - 9 * HOUR, CatchUp.SKIP, away=away)
    assert skipped.dropped == ["old", "new"]
    # Where a server ran they wait for a worker, and nothing is dropped.
    assert list(work_out(series, there, NOW, NOW - 9 * HOUR, CatchUp.SKIP).dropped) == []


def test_done_a_second_time_the_latest_is_kept() -> None:
    """The server was killed before it noted that it had looked."""
    series = cron("0 3 * * *")
    since = NOW - 60 * HOUR
    first = work_out(series, (), NOW, since, CatchUp.LATEST, away=Away(since, NOW))
    assert minutes(first.times) == [-9 * 60, 15 * 60]
    there = [Waiting(time, str(time)) for time in first.times]
    again = work_out(series, there, NOW + MINUTE, first.planned_time, CatchUp.LATEST, away=Away(since, NOW + MINUTE))
    assert (list(again.times), list(again.dropped)) == ([], [])


# Clocks


def test_a_clock_that_jumps_back_plans_nothing_twice() -> None:
    series = every(600)
    plan = afresh(series)
    there = [Waiting(time, "") for time in plan.times]
    back = work_out(series, there, NOW - 5 * HOUR, plan.planned_time, CatchUp.ALL)
    assert list(back.times) == []
    assert back.planned_time == plan.planned_time
    assert back.plan_time is not None


def test_at_the_ends_of_time_nothing_breaks() -> None:
    for series in (every(1), every(90_000), cron("* * * * *"), Series(Timing(RuleKind.RECURRENCE, ZONE, "FREQ=DAILY"))):
        for year in (1, 1899, 2199, 2200, 9999):
            now = micros_of(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC))
            plan = work_out(series, (), now, now, CatchUp.ALL)
            assert all(time > now - AHEAD for time in plan.times)
            assert bool(plan.times) == (year < 2199)
