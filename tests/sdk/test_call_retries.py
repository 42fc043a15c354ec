"""When a unary call is made again, with chance in the test's hand."""

import pytest

from antiphon.call_retries import CallRetries, RetryPolicy
from antiphon.exceptions import ServerError

AWAY = ServerError("nobody answers", code="UNAVAILABLE")
POLICY = RetryPolicy()


def latest(low: float, high: float) -> float:
    assert low == 0.0, "any delay up to the bound is as likely"
    return high


def test_delays_double_up_to_a_bound_and_attempts_are_counted() -> None:
    policy = RetryPolicy(max_attempts=8, max_tokens=100)
    tries = CallRetries(policy, latest).begin()
    delays = [tries.delay(AWAY, 60) for _ in range(8)]
    assert delays == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, None]


def test_five_attempts_in_less_than_a_second() -> None:
    tries = CallRetries(POLICY, latest).begin()
    delays = [tries.delay(AWAY, 60) for _ in range(POLICY.max_attempts)]
    assert delays[-1] is None and sum(delay or 0 for delay in delays) < 1


@pytest.mark.parametrize(
    "code", ["ABORTED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL", "NOT_FOUND", "UNKNOWN", "CANCELLED", ""]
)
def test_nothing_but_unavailable_is_tried_again(code: str) -> None:
    assert CallRetries().begin().delay(ServerError("no", code=code, retry_after=0.1), 60) is None


def test_what_the_server_asks_for_comes_on_top() -> None:
    busy = ServerError("busy", code="UNAVAILABLE", retry_after=3.0)
    assert CallRetries(POLICY, latest).begin().delay(busy, 60) == 3.05
    assert CallRetries(POLICY, lambda low, high: low).begin().delay(busy, 60) == 3.0


def test_the_deadline_holds() -> None:
    tries = CallRetries(POLICY, latest).begin()
    assert tries.delay(AWAY, 0.05) is None
    assert tries.delay(AWAY, 0.11) == 0.1


def test_a_client_that_mostly_fails_stops_to_retry_until_calls_succeed_again() -> None:
    retries = CallRetries(POLICY, latest)
    allowed = [retries.begin().delay(AWAY, 60) is not None for _ in range(20)]
    assert allowed == [True] * 4 + [False] * 16
    for _ in range(round((POLICY.max_tokens / 2 + 1.5) / POLICY.token_ratio)):
        retries.succeeded()
    assert retries.begin().delay(AWAY, 60) is not None


def test_a_busy_server_paces_its_callers_until_the_deadline() -> None:
    busy = ServerError("busy", code="UNAVAILABLE", reason="SERVER_BUSY", retry_after=2.0)
    tries = CallRetries(POLICY, latest).begin()
    assert [tries.delay(busy, 60) for _ in range(2 * POLICY.max_attempts)] == [3.0] * 2 * POLICY.max_attempts
    assert tries.delay(busy, 3.0) is None
    assert tries.delay(AWAY, 60) is not None, "it is no failure of the server's"


def test_a_server_that_cannot_even_say_that_it_is_busy_is_asked_ever_less_often_until_the_deadline() -> None:
    reset = ServerError("reset", code="UNAVAILABLE", reason="SERVER_BUSY")
    tries = CallRetries(POLICY, latest).begin()
    delays = [tries.delay(reset, 60) for _ in range(3 * POLICY.max_attempts)]
    assert delays[:2] == [POLICY.initial_backoff, POLICY.initial_backoff * POLICY.backoff_multiplier]
    assert delays[-1] == POLICY.max_backoff
    assert tries.delay(reset, POLICY.max_backoff / 2) is None
