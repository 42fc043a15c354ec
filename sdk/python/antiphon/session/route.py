"""Which server a link dials next, where there are several."""

import random
from collections import deque
from collections.abc import Callable

from antiphon.endpoints import Lookup, endpoints_of, look_up


class Route:
    """Goes through the servers of a target, one at a time, round after round. Belongs to the link's thread.

    Each process begins with another one, so that servers share the processes; a process stays with one that answers.
    """

    def __init__(
        self,
        connect: Callable[[], str],
        lookup: Lookup = look_up,
        shuffle: Callable[[list[str]], None] = random.shuffle,
    ) -> None:
        """`connect` gives the target and is asked at the beginning of each round; it may raise."""
        self._connect, self._lookup, self._shuffle = connect, lookup, shuffle
        self._known: list[str] = []
        self._untried: deque[str] = deque()
        self._answered = False
        #: The one that was dialled last, as gRPC dials it.
        self.current = ""
        #: How many in a row have brought no answer from anybody.
        self.rounds = 0

    @property
    def is_several(self) -> bool:
        """Whether there was more than one server when the round began."""
        return len(self._known) > 1

    def next(self) -> str:
        """Return the server to dial now."""
        if self._answered or not self._untried:
            self._begin_round()
        self.current = self._untried.popleft()
        return self.current

    def answered(self) -> None:
        """The current one talks: when it is gone, all others come first."""
        self._answered = True
        self.rounds = 0

    def failed(self) -> bool:
        """The current one is gone, or was not there. Says whether another one is to be tried before any is again."""
        if self.is_several if self._answered else bool(self._untried):
            return True
        self.rounds += 1
        return False

    def _begin_round(self) -> None:
        found = endpoints_of(self._connect(), self._lookup)
        if set(found) != set(self._known):
            self._known = found
            if self.is_several:
                self._shuffle(self._known)
        if self.current in self._known:
            behind = self._known.index(self.current) + 1
            self._known = self._known[behind:] + self._known[:behind]
        self._untried = deque(self._known)
        self._answered = False
