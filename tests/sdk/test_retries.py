"""Delays before retries."""

import math
from typing import Any

import pytest

from antiphon.retries import check_jitter_factor, check_retries, exponential_backoff, retry_delays


@pytest.mark.parametrize(
    ("given", "retries", "expected"),
    [
        (None, 3, []),
        (5, 3, [5.0]),
        (0.5, 0, [0.5]),
        ([1, 2.5], 3, [1.0, 2.5]),
        ((1, 2, 3), 2, [1.0, 2.0]),
        ([], 3, []),
        (lambda retries: [retries] * retries, 2, [2.0, 2.0]),
        (lambda retries: 7, 2, [7.0]),
        (exponential_backoff(10), 4, [10.0, 20.0, 40.0, 80.0]),
        (exponential_backoff(0), 2, [0.0, 0.0]),
        (exponential_backoff(1), None, []),
    ],
)
def test_delays_in_every_form(given: Any, retries: int | None, expected: list[float]) -> None:
    assert retry_delays(given, retries) == expected


def test_backoff_ends_at_a_week() -> None:
    delays = retry_delays(exponential_backoff(1e9), 5000)
    assert len(delays) == 5000
    assert set(delays) == {7 * 86_400.0}


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (-1, ValueError, "retry_delay_seconds must be 0 or more seconds and finite, not -1"),
        ([1, -2], ValueError, r"retry_delay_seconds\[1\] must be 0 or more"),
        (math.inf, ValueError, "finite"),
        (math.nan, ValueError, "not NaN"),
        (10**400, ValueError, "finite"),
        (True, TypeError, r"not True \(bool\)"),
        ("5", TypeError, r"not '5' \(str\)"),
        (["5"], TypeError, r"retry_delay_seconds\[0\] must be a number, not '5'"),
        ({1}, TypeError, "not set"),
        (lambda retries: "x", TypeError, "function given as retry_delay_seconds returned must be a number of seconds"),
    ],
)
def test_wrong_delays_say_what_is_needed(given: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        retry_delays(given, 2)


@pytest.mark.parametrize(
    ("given", "error"), [(-1, ValueError), (10_001, ValueError), (1.0, TypeError), ("1", TypeError), (True, TypeError)]
)
def test_wrong_numbers_of_retries(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="number of retries must be"):
        check_retries(given)


def test_numbers_of_retries() -> None:
    assert [check_retries(each) for each in (None, 0, 10_000)] == [0, 0, 10_000]


@pytest.mark.parametrize(("given", "expected"), [(None, 0.0), (0, 0.0), (0.5, 0.5), (1000, 1000.0)])
def test_jitter_factors(given: Any, expected: float) -> None:
    assert check_jitter_factor(given) == expected


@pytest.mark.parametrize(
    ("given", "error"), [(-0.1, ValueError), (1001, ValueError), (math.nan, ValueError), ("1", TypeError)]
)
def test_wrong_jitter_factors(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="retry_jitter_factor must be"):
        check_jitter_factor(given)


@pytest.mark.parametrize(("factor", "error"), [(-1, ValueError), (math.inf, ValueError), ("2", TypeError)])
def test_wrong_backoff_factors(factor: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="backoff factor must be"):
        exponential_backoff(factor)
