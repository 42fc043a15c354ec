"""How long the server has been away, and when to try again."""

import random
import time
from collections.abc import Callable

FIRST_DELAY = 0.01
LONGEST_DELAY = 2.0
#: Over which those spread who go to another server: short, since runs wait, and long enough for a server that gets all
#: sessions of one that died.
ELSEWHERE_DELAY = 0.1


class Outage:
    """Counts failures in a row. All times are seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._since: float | None = None
        self._failures = 0

    @property
    def lasts(self) -> bool:
        """Whether there is one."""
        return self._since is not None

    def begin(self) -> None:
        """The server is away from now on, if it was not before."""
        if self._since is None:
            self._since = self._clock()
            self._failures = 0

    def next_delay(self, limit: float | None, retry_after: float = 0.0, *, elsewhere: bool = False) -> float | None:
        """How long to wait before the next attempt; None once the outage has lasted `limit`.

        Any delay up to the bound is as likely (full jitter), so that many clients don't come back at once. It begins
        once `retry_after` is over, if the server named it, and then is spread over half of that again. `elsewhere`:
        the next attempt goes to another server, so that this one was no failure of all.
        """
        self.begin()
        if elsewhere:
            bound = ELSEWHERE_DELAY
        else:
            bound = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(self._failures, 30))
            self._failures += 1
        delay = retry_after + self._jitter(0.0, max(bound, retry_after / 2))
        if limit is None:
            return delay
        left = limit - self.seconds
        return min(delay, left) if left > 0 else None

    @property
    def seconds(self) -> float:
        """How long it has lasted; 0 without one."""
        return 0.0 if self._since is None else self._clock() - self._since

    def end(self) -> None:
        """The server is back."""
        self._since = None
