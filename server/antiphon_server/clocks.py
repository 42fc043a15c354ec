"""What time it is, in microseconds since the epoch."""

import time


def wall_clock() -> int:
    """What this machine's clock says."""
    return time.time_ns() // 1000


class MovableClock:
    """That, and how far ahead of it this server is. For tests of users' code, see `services/clock_control.py`."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead
