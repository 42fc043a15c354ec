"""Waiting for what nobody tells of."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool]) -> None:
    """Looks until something holds that another thread or a server brings about by itself."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.005)
