"""The output of something elsewhere, line by line, followed over cuts without losing or repeating a line."""

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

#: A line that is longer than this is told in pieces.
LONGEST = 1_000_000


def print_line(line: str) -> None:
    """Write a line to this process's standard output, whole."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Output:
    """Where lines go: to `say`, if there is one; the last ones are kept, to say what was printed before a bad end."""

    def __init__(self, say: Callable[[str], None] | None, keep: int = 20) -> None:
        self._say = say
        self._last: deque[str] = deque(maxlen=keep)

    def add(self, line: str) -> None:
        """Take a line, without its end."""
        self._last.append(line)
        if self._say is not None:
            self._say(line)

    @property
    def last(self) -> list[str]:
        """The last lines."""
        return list(self._last)


class TimedLines:
    """Lines with a time before each, as container engines write it: `2026-11-27T10:00:00.000000001Z text`.

    After a cut what follows is asked for again from `since` on, and `begin` is called: what was seen is left out. Lines
    are known by their times, which need not be in order: an engine reads standard output and error side by side.
    """

    def __init__(self) -> None:
        self._rest = b""
        #: The newest second of which a line was seen, and how many lines there were of each of its fractions.
        self._second = ""
        self._seen: Counter[str] = Counter()
        #: Of those, the ones that are still to come again.
        self._again: Counter[str] = Counter()

    def begin(self) -> None:
        """What comes next comes from a new connection."""
        self._rest = b""
        self._again = Counter(self._seen)

    @property
    def since(self) -> datetime | None:
        """From when on to ask: the second of the last line; None for the beginning."""
        return datetime.strptime(self._second, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC) if self._second else None

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that are whole now and were not seen before."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            yield from self._new(line)

    def end(self) -> Iterator[str]:
        """Yield what has no end of line: nothing follows."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._new(rest)

    def _new(self, line: bytes) -> Iterator[str]:
        stamp, space, text = line.decode(errors="replace").partition(" ")
        time = _time(stamp) if space else None
        if time is None:
            # A later piece of a line that was too long, or something that the engine itself says.
            yield line.decode(errors="replace").rstrip("\r")
            return
        second, fraction = time
        if self._again.total() and (second < self._second or self._again[fraction]):
            self._again[fraction] -= second == self._second
            return
        if second > self._second:
            self._second, self._seen, self._again = second, Counter(), Counter()
        if second == self._second:
            self._seen[fraction] += 1
        yield text.rstrip("\r")


def _time(stamp: str) -> tuple[str, str] | None:
    """Seconds, which compare as texts, and the fraction with all its digits; None where it is no time."""
    if not stamp.endswith("Z") or len(stamp) < 20 or stamp[10] != "T":
        return None
    whole, _, fraction = stamp[:-1].partition(".")
    return whole, fraction.ljust(9, "0")
