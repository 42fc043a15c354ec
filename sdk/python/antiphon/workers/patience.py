"""How long an API that does not answer is asked again."""

import random
import time
from collections.abc import Callable


class Patience:
    """Asking again with growing pauses, until nothing has answered for `seconds`."""

    def __init__(
        self,
        seconds: float,
        first_pause: float = 0.2,
        longest_pause: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self._first, self._longest, self._clock = first_pause, longest_pause, clock
        self.heard()

    def heard(self) -> None:
        """It has answered."""
        self._since = self._clock()
        self._pause = self._first

    @property
    def over(self) -> bool:
        """Whether it has not answered for too long."""
        return self._clock() - self._since >= self.seconds

    def pause(self) -> float:
        """Return for how many seconds to wait before the next time."""
        pause, self._pause = self._pause, min(self._pause * 2, self._longest)
        left = self.seconds - (self._clock() - self._since)
        # Many workers that lost the same server do not come back all at once.
        return max(0.0, min(pause * random.uniform(0.8, 1.2), left))
