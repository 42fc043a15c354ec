"""Days on which nothing fires."""

from datetime import date

import pytest

from antiphon_server.domain.schedules.days_off import days_off


def test_single_days_days_of_every_year_and_of_every_week() -> None:
    off = days_off("x", ["2026-12-24", "12-25", "02-29"], [7])
    assert off.has(date(2026, 12, 24))
    assert not off.has(date(2027, 12, 24))
    assert off.has(date(2031, 12, 25))
    assert off.has(date(2028, 2, 29))
    assert off.has(date(2026, 6, 7)), "a Sunday"
    assert not off.has(date(2026, 6, 6))


@pytest.mark.parametrize("day", ["2026-02-29", "02-30", "13-01", "00-10", "0000-01-01", "2026-04-31", "01-00"])
def test_a_day_that_is_not_there(day: str) -> None:
    with pytest.raises(ValueError, match=f"there is no day {day}"):
        days_off("x", [day], [])
