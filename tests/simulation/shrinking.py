"""The shortest history that still breaks the same promise: delta debugging, after A. Zeller and R. Hildebrandt,
"Simplifying and Isolating Failure-Inducing Input" (2002)."""

import time
from collections.abc import Sequence
from dataclasses import replace

from simulation.events import Ask, Cancel, Event, New, Remove, Said, Say, Zombie
from simulation.playing import replay
from simulation.violations import Violation


class Shrinker:
    """`budget`: seconds of this process after which the shortest history so far must do."""

    def __init__(self, violation: Violation, budget: float = 60.0) -> None:
        self._promise = violation.promise
        self._until = time.process_time() + budget
        self.violation = violation

    def shrink(self, history: Sequence[Event]) -> list[Event]:
        """A history without what does not matter. `history` must break the promise."""
        events = self._only_about(list(history), self.violation.subjects)
        length = -1
        while length != (length := len(events)) and self._in_time():
            events = self._without_frames(self._without_events(events))
        return self._without_joining(events)

    def _breaks(self, events: Sequence[Event]) -> bool:
        violation = replay(events)
        if violation is None or violation.promise != self._promise:
            return False
        self.violation = violation
        return True

    def _in_time(self) -> bool:
        return time.process_time() < self._until

    def _only_about(self, events: list[Event], subjects: frozenset[str]) -> list[Event]:
        """A quick first cut: what is about the runs that the promise was broken for, or about their kin."""
        news = [said for event in events for said in _said(event) if isinstance(said, New)]
        runs = {name for name in subjects if not name.startswith("s")}
        for _ in range(3):
            kept = [about for event in events if (about := _about(event, runs)) is not None]
            if self._breaks(kept):
                return kept
            kin = [new for new in news if new.names() & runs]
            ties = {tie for new in kin for tie in _limits_of(new)} | (subjects - runs)
            runs = runs.union(*(new.names() for new in kin), *(new.names() for new in news if _limits_of(new) & ties))
        return events

    def _without_events(self, events: list[Event]) -> list[Event]:
        size = max(len(events) // 2, 1)
        while size and self._in_time():
            start = len(events)
            while start > 0 and self._in_time():
                start = max(start - size, 0)
                fewer = events[:start] + events[start + size :]
                if self._breaks(fewer):
                    events = fewer
            size //= 2
        return events

    def _without_frames(self, events: list[Event]) -> list[Event]:
        for index in reversed(range(len(events))):
            event = events[index]
            if not isinstance(event, Say):
                continue
            for frame in reversed(range(len(event.said))):
                shorter = replace(event, said=event.said[:frame] + event.said[frame + 1 :])
                fewer = [*events[:index], shorter, *events[index + 1 :]]
                if self._in_time() and self._breaks(fewer):
                    events, event = fewer, shorter
        return events

    def _without_joining(self, events: list[Event]) -> list[Event]:
        """Each in a transaction of its own, where that is enough."""
        apart = [replace(event, joined=False) for event in events]
        return apart if self._breaks(apart) else events


def _said(event: Event) -> tuple[Said, ...]:
    if isinstance(event, Say | Zombie):
        return event.said
    return (event.said,) if isinstance(event, Ask) and event.said is not None else ()


def _about(event: Event, runs: set[str]) -> Event | None:
    """What of an event is about these runs, or about none."""
    if isinstance(event, Say) and event.said:
        left = tuple(each for each in event.said if each.names() & runs)
        return replace(event, said=left) if left or event.goodbye or event.lost else None
    if isinstance(event, Ask | Cancel | Remove):
        return event if event.names() & runs else None
    return event


def _limits_of(new: New) -> set[str]:
    return {f"deployment:{new.deployment}"} if new.deployment is not None else {f"tag:{tag}" for tag in new.tags}
