"""Waiting for what nobody tells of."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], patience: float = 20.0) -> None:
    """Looks until something holds that another thread, process or server brings about by itself. `patience` in
    seconds."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.005)
