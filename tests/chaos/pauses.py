"""How long clients had to wait while something failed: from the journals, by the kind of fault."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaos.driving import Done
from chaos.faults import Kind, Shape
from chaos.journal import Entry

#: A wait that began so long after a fault was mended is not laid at its door, in microseconds.
_AFTER = 1_000_000
#: Kinds that concern the processes of one line, or one process.
_LINK = frozenset({Kind.CUT_LINK, Kind.HOLE_LINK, Kind.DELAY_LINK, Kind.REFUSE_LINK})
_PROCESS = frozenset({Kind.KILL_PROCESS, Kind.STOP_PROCESS, Kind.END_PROCESS})


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds. Of each fault and each process the longest wait for an answer that fell into it."""

    count: int
    half: float
    most: float
    longest: float


def waits(entries: Iterable[Entry]) -> dict[str, list[tuple[int, int]]]:
    """Process -> when it began to wait for an answer and when that came, of proposals that may not be told to wait."""
    began: dict[str, int] = {}
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for entry in entries:
        if entry["what"] == "proposed" and not entry["expected"] and entry["type"] in _AT_ONCE:
            began[entry["id"]] = entry["at"]
        elif entry["what"] == "verdict" and entry["id"] in began:
            found[entry["by"]].append((began.pop(entry["id"]), entry["at"]))
    for each in found.values():
        each.sort()
    return found


#: PENDING and ends: no rule has those wait. RUNNING may wait for a slot.
_AT_ONCE = frozenset({2, 4, 5})


def by_kind(done: Sequence[Done], entries: Sequence[Entry], shape: Shape) -> Mapping[str, Pauses]:
    known = waits(entries)
    found: dict[str, list[float]] = defaultdict(list)
    for each in done:
        end = (each.mended or each.began) + _AFTER
        for name, spans in known.items():
            if _concerns(each, name, shape) and (longest := _longest(spans, each.began, end)):
                found[each.fault.kind].append(longest / 1e6)
    return {kind: _summed(sorted(values)) for kind, values in sorted(found.items())}


def all_of(entries: Sequence[Entry]) -> Pauses:
    """Of all waits, in quiet times too."""
    return _summed(sorted((until - since) / 1e6 for spans in waits(entries).values() for since, until in spans))


def _longest(spans: Sequence[tuple[int, int]], began: int, end: int) -> int:
    """Among those that were under way at some time from `began` on, and began before `end`."""
    last = bisect_left(spans, (end, 0))
    return max((until - since for since, until in spans[:last] if until >= began), default=0)


def _concerns(done: Done, name: str, shape: Shape) -> bool:
    number = int(name.split(".")[0].rpartition("-")[2]) if "-" in name else -1
    if done.fault.kind in _PROCESS:
        return False  # Who is stopped waits for itself.
    return done.fault.kind not in _LINK or (number >= 0 and number % shape.lines == done.fault.target)


def _summed(values: Sequence[float]) -> Pauses:
    if not values:
        return Pauses(0, 0.0, 0.0, 0.0)
    return Pauses(len(values), _at(values, 0.5), _at(values, 0.99), values[-1])


def _at(values: Sequence[float], part: float) -> float:
    return values[min(int(part * len(values)), len(values) - 1)]
