"""Delays before retries, as people give them, checked and made into a plain list of seconds."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

#: Limits of the contract's RetryPolicy.
MAX_RETRIES: Final = 10_000
MAX_JITTER_FACTOR: Final = 1000.0
#: A week. Longer delays are the work of a schedule; a mistaken unit is the likelier cause.
MAX_BACKOFF_SECONDS: Final = 7 * 86_400.0
#: The largest span that a Duration holds.
MAX_DELAY_SECONDS: Final = 315_576_000_000.0

#: Seconds before each retry: one number for all, a list whose last one repeats, or a function of the number of retries.
RetryDelays = float | int | Sequence[float] | Callable[[int], Sequence[float]]


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Return a function for `retry_delay_seconds` that doubles the delay: f, 2f, 4f ... seconds, up to a week.

    Raises ValueError for a factor that is negative or not finite, TypeError for one that is no number.
    """
    factor = _seconds(backoff_factor, "The backoff factor")

    def delays(retries: int) -> list[float]:
        # Past 2**60 everything is at the cap, and a float would overflow.
        return [min(factor * 2 ** min(retry, 60), MAX_BACKOFF_SECONDS) for retry in range(retries)]

    return delays


def check_retries(retries: Any) -> int:
    """Return the number of retries; None is 0. Raises TypeError if it is no whole number, ValueError out of range."""
    if retries is None:
        return 0
    if isinstance(retries, bool) or not isinstance(retries, int):
        raise TypeError(f"The number of retries must be a whole number, not {_described(retries)}.")
    if not 0 <= retries <= MAX_RETRIES:
        raise ValueError(f"The number of retries must be from 0 to {MAX_RETRIES:,}, not {retries}.")
    return retries


def retry_delays(retry_delay_seconds: RetryDelays | None, retries: int | None) -> list[float]:
    """Return the delay before each retry in seconds; the last one repeats, and an empty list means at once.

    A list longer than the number of retries is cut. What a callable raises passes through.
    Raises TypeError where something is no number, ValueError where it is negative, not finite or too long.
    """
    count = check_retries(retries)
    given: Any = retry_delay_seconds
    origin = "retry_delay_seconds"
    if callable(given):
        given = given(count)
        origin = "What the function given as retry_delay_seconds returned"
    if given is None:
        return []
    if isinstance(given, int | float):
        return [_seconds(given, origin)]
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise TypeError(
            f"{origin} must be a number of seconds, a list of such or a function that returns one, not "
            f"{_described(given)}."
        )
    checked = [_seconds(delay, f"{origin}[{place}]") for place, delay in enumerate(given)]
    return checked[:count]


def check_jitter_factor(factor: Any) -> float:
    """Return the jitter factor; None is 0. Raises TypeError where it is no number, ValueError out of range."""
    if factor is None:
        return 0.0
    number = _number(factor, "retry_jitter_factor")
    if not 0 <= number <= MAX_JITTER_FACTOR:
        raise ValueError(
            f"retry_jitter_factor must be from 0 (no jitter) to {MAX_JITTER_FACTOR:g}, not {factor}: a delay d is "
            "drawn from d to d * (1 + factor)."
        )
    return number


def _seconds(value: Any, name: str) -> float:
    number = _number(value, name)
    if not 0 <= number <= MAX_DELAY_SECONDS:
        raise ValueError(f"{name} must be 0 or more seconds and finite, not {value}.")
    return number


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {_described(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        raise ValueError(f"{name} must be a number, not NaN.")
    return number


def _described(value: Any) -> str:
    return f"{value!r} ({type(value).__name__})" if isinstance(value, str | bool | float) else type(value).__name__
