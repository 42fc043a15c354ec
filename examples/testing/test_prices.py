"""Tests of a flow, for pytest: the function alone, and the whole flow with a server of the test's own.

The server is a real one with its data in a folder that is removed, so nothing of yours is touched.

Prints:
    3 passed in ...
"""

import sys
from collections.abc import Iterator

import pytest

from antiphon import flow, get_run_logger, task
from antiphon.logging import disable_run_logger
from antiphon.testing.utilities import antiphon_test_harness, get_most_recent_flow_run


@task
def net(gross: float) -> float:
    if gross < 0:
        raise ValueError(f"{gross} is no price")
    get_run_logger().info("a price of %s", gross)
    return round(gross / 1.19, 2)


@flow
def net_prices(prices: list[float]) -> list[float]:
    return net.map(prices).result()


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with antiphon_test_harness():
        yield


def test_the_function_alone() -> None:
    with disable_run_logger():
        assert net.fn(119) == 100


def test_the_flow() -> None:
    assert net_prices([119, 11.9]) == [100, 10]


def test_what_is_no_price_fails_the_run() -> None:
    with pytest.raises(ValueError, match="is no price"):
        net_prices([119, -1])
    state = get_most_recent_flow_run().state
    assert state is not None and state.is_failed()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-p", "no:cacheprovider"]))
