"""What waits for the writer: first in, first out for each owner, and a fair share of each transaction for all owners.

Deficit round robin: whose turn it is may take a quantum; what it takes beyond is taken off its next turn. An owner that
had nothing here gets its first turn before the others, so that the lone frame of one session does not stand behind what
a thousand others have piled up.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

#: What an owner may take at each turn, by weight.
QUANTUM = 64


class FairQueue(Generic[T]):
    """Not safe for several threads. Weights are at least 1."""

    def __init__(self) -> None:
        #: Owner -> what it waits for, with its weight. One that has nothing left stays until its next turn in the
        #: round, so that nobody is new at each of its words.
        self._waiting: dict[str, deque[tuple[T, int]]] = {}
        self._credit: dict[str, int] = {}
        self._new: deque[str] = deque()
        self._round: deque[str] = deque()
        self._length = 0

    def put(self, item: T, owner: str, weight: int) -> None:
        """Adds an item behind those of the same owner."""
        waiting = self._waiting.get(owner)
        if waiting is None:
            waiting = self._waiting[owner] = deque()
            self._credit[owner] = 0
            self._new.append(owner)
        waiting.append((item, weight))
        self._length += 1

    def take(self, most: int, most_weight: int) -> list[T]:
        """The next items: at most `most`, and none more once they weigh `most_weight`."""
        taken: list[T] = []
        weighed = 0
        while self._length and len(taken) < most and weighed < most_weight:
            turns = self._new or self._round
            owner = turns.popleft()
            waiting = self._waiting[owner]
            if not waiting:
                del self._waiting[owner], self._credit[owner]
                continue
            credit = self._credit[owner] + QUANTUM
            while waiting and credit > 0 and len(taken) < most and weighed < most_weight:
                item, weight = waiting.popleft()
                taken.append(item)
                credit -= weight
                weighed += weight
                self._length -= 1
            # What a full transaction left of a turn is not lost, and nobody saves up turns.
            self._credit[owner] = min(credit, QUANTUM) if waiting else 0
            self._round.append(owner)
        if not self._length:
            for each in (self._waiting, self._credit, self._new, self._round):
                each.clear()
        return taken

    def owners(self) -> frozenset[str]:
        """Who waits for something."""
        return frozenset(owner for owner, waiting in self._waiting.items() if waiting)

    def __len__(self) -> int:
        return self._length
