from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from antiphon.cli.spoken_times import moment_of, span_of

#: A Friday, two days before the clocks of Berlin are put forward.
NOW = datetime(2026, 3, 27, 12, 30, 15, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("1.5", 1.5),
        ("90s", 90),
        ("15m", 900),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("2 days", 172_800),
        ("2 Days and 3 hours", 183_600),
        ("in 1 week, 1 day", 691_200),
        ("10 minutes", 600),
        ("1 hr 1 min 1 sec", 3661),
    ],
)
def test_spans(typed: str, seconds: float) -> None:
    assert span_of(typed, "--start-in") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "typed", ["", "soon", "1x", "h", "1h x", "-5", "1h -5m", "1e3", "nan", "9" * 400, "200 years", "\u0661"]
)
def test_what_is_no_span(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"--start-in .* is no span"):
        span_of(typed, "--start-in")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("now", NOW),
        ("2026-03-28", datetime(2026, 3, 28, tzinfo=BERLIN)),
        ("2026-03-28 14:30", datetime(2026, 3, 28, 14, 30, tzinfo=BERLIN)),
        ("2026-03-28T14:30:00+00:00", datetime(2026, 3, 28, 14, 30, tzinfo=UTC)),
        ("2026-03-28 14:30Z", datetime(2026, 3, 28, 14, 30, tzinfo=UTC)),
        ("14:30", datetime(2026, 3, 27, 14, 30, tzinfo=BERLIN)),
        ("9am", datetime(2026, 3, 27, 9, tzinfo=BERLIN)),
        ("tomorrow", datetime(2026, 3, 28, tzinfo=BERLIN)),
        ("tomorrow at 9am", datetime(2026, 3, 28, 9, tzinfo=BERLIN)),
        ("Yesterday 17:05", datetime(2026, 3, 26, 17, 5, tzinfo=BERLIN)),
        ("today 17:05", datetime(2026, 3, 27, 17, 5, tzinfo=BERLIN)),
        ("monday 9:00", datetime(2026, 3, 30, 9, tzinfo=BERLIN)),
        ("in 2 hours", NOW + timedelta(hours=2)),
        ("In 36h", NOW + timedelta(hours=36)),
    ],
)
def test_moments(typed: str, expected: datetime) -> None:
    found = moment_of(typed, "--start-at", zone=BERLIN, now=NOW)
    assert (found, found.tzinfo) == (expected.astimezone(UTC), UTC)


@pytest.mark.parametrize(
    "typed", ["", "never", "25:00", "2026-02-30", "tomorrow never", "12:00 MARS", "0001-01-01", "9" * 30, "in a while"]
)
def test_what_is_no_time(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"--start-at .* is no "):
        moment_of(typed, "--start-at", zone=ZoneInfo("Asia/Tokyo"), now=NOW)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_time_or_wrong_usage(typed: str) -> None:
    for parse in (moment_of, span_of):
        try:
            parse(typed, "--x")
        except typer.BadParameter as error:
            assert error.message.startswith("--x ")
