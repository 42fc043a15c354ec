"""The plan: what fails, when and for how long, as a pure function of a seed."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can happen. A link is between one line of SDK processes and one replica, a store between a replica and the
    database."""

    KILL_REPLICA = "kill-replica"
    STOP_REPLICA = "stop-replica"
    END_REPLICA = "end-replica"
    ROLL = "rolling-restart"
    KILL_PROCESS = "kill-process"
    STOP_PROCESS = "stop-process"
    END_PROCESS = "end-process"
    CUT_LINK = "cut-link"
    CUT_REPLICA = "cut-replica"
    HOLE_LINK = "black-hole-link"
    DELAY_LINK = "delay-link"
    REFUSE_LINK = "refuse-link"
    CUT_STORE = "cut-store"
    HOLE_STORE = "black-hole-store"
    DELAY_STORE = "delay-store"
    KILL_DATABASE = "kill-database"
    STOP_DATABASE = "stop-database"


@dataclass(frozen=True, slots=True)
class Shape:
    """What there is to fail."""

    replicas: int
    processes: int
    lines: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Begins `at` seconds after the start and is mended `lasts` seconds later. `target` numbers a replica, a process or
    a line; `other` is the link's replica. `amount` is the delay in seconds each way."""

    at: float
    kind: Kind
    target: int = 0
    other: int = 0
    lasts: float = 0.0
    amount: float = 0.0

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in asdict(self).items() if name not in ("at", "kind"))
        return f"{self.at:8.2f} {self.kind} {told}"


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a kind happens a minute, and how long it lasts."""

    a_minute: float
    shortest: float = 0.0
    longest: float = 0.0


#: Shared by all that is at hand of a kind: more processes do not make more faults.
RATES: dict[Kind, Rate] = {
    Kind.CUT_LINK: Rate(500),
    Kind.CUT_REPLICA: Rate(12),
    Kind.HOLE_LINK: Rate(5, 0.5, 6),
    Kind.DELAY_LINK: Rate(5, 0.5, 5),
    Kind.REFUSE_LINK: Rate(5, 0.5, 5),
    Kind.CUT_STORE: Rate(8),
    Kind.HOLE_STORE: Rate(2, 0.5, 4),
    Kind.DELAY_STORE: Rate(2, 0.5, 4),
    Kind.KILL_REPLICA: Rate(4, 0.2, 3),
    Kind.STOP_REPLICA: Rate(2, 0.3, 6),
    Kind.END_REPLICA: Rate(1, 0.1, 1),
    Kind.ROLL: Rate(0.5),
    Kind.KILL_PROCESS: Rate(6, 0.1, 1),
    Kind.STOP_PROCESS: Rate(4, 0.2, 9),
    Kind.END_PROCESS: Rate(1, 0.1, 1),
    Kind.KILL_DATABASE: Rate(0.5, 0.2, 2),
    Kind.STOP_DATABASE: Rate(0.5, 0.2, 3),
}

#: More of what is rare, so that a short run has some of it.
OFTEN: dict[Kind, Rate] = RATES | {
    Kind.KILL_REPLICA: Rate(8, 0.2, 1),
    Kind.KILL_PROCESS: Rate(10, 0.1, 0.5),
    Kind.KILL_DATABASE: Rate(3, 0.1, 0.5),
    Kind.STOP_REPLICA: Rate(4, 0.3, 2),
    Kind.ROLL: Rate(0),
}

#: Of what a fault takes hold; one is mended before the next takes hold of the same.
_Target = Callable[[random.Random, Shape], tuple[int, int]]


def _replica(chance: random.Random, shape: Shape) -> tuple[int, int]:
    return chance.randrange(shape.replicas), 0


def _process(chance: random.Random, shape: Shape) -> tuple[int, int]:
    return chance.randrange(shape.processes), 0


def _link(chance: random.Random, shape: Shape) -> tuple[int, int]:
    return chance.randrange(shape.lines), chance.randrange(shape.replicas)


def _one(_: random.Random, __: Shape) -> tuple[int, int]:
    return 0, 0


#: kind -> which of what it hits.
_FAMILIES: dict[Kind, tuple[str, _Target]] = {
    **dict.fromkeys((Kind.KILL_REPLICA, Kind.STOP_REPLICA, Kind.END_REPLICA), ("replica", _replica)),
    **dict.fromkeys((Kind.KILL_PROCESS, Kind.STOP_PROCESS, Kind.END_PROCESS), ("process", _process)),
    **dict.fromkeys((Kind.CUT_LINK, Kind.HOLE_LINK, Kind.DELAY_LINK, Kind.REFUSE_LINK), ("link", _link)),
    Kind.CUT_REPLICA: ("cut", _replica),
    **dict.fromkeys((Kind.CUT_STORE, Kind.HOLE_STORE, Kind.DELAY_STORE), ("store", _replica)),
    Kind.ROLL: ("roll", _one),
    **dict.fromkeys((Kind.KILL_DATABASE, Kind.STOP_DATABASE), ("database", _one)),
}
_MOMENTARY = frozenset({Kind.CUT_LINK, Kind.CUT_REPLICA, Kind.CUT_STORE})
#: Seconds that a replica and the database take to be back, with room, before they fail again.
_RECOVERY = {"replica": 3.0, "roll": 20.0, "database": 6.0, "process": 2.0}


def plan(seed: int, seconds: float, shape: Shape, rates: dict[Kind, Rate] | None = None) -> list[Fault]:
    """All faults of a run, in the order of their beginning; nothing lasts beyond the end."""
    faults = [fault for kind, rate in (rates or RATES).items() for fault in _of_kind(seed, seconds, shape, kind, rate)]
    return list(_apart(sorted(faults, key=lambda fault: (fault.at, fault.kind, fault.target, fault.other)), seconds))


def _of_kind(seed: int, seconds: float, shape: Shape, kind: Kind, rate: Rate) -> Iterator[Fault]:
    """A stream of its own for each kind: another rate for one leaves the others where they are."""
    chance = random.Random(f"{seed} {kind}")
    at = 0.0
    while rate.a_minute > 0:
        at += chance.expovariate(rate.a_minute / 60)
        if at >= seconds:
            return
        target, other = _FAMILIES[kind][1](chance, shape)
        lasts = chance.uniform(rate.shortest, rate.longest)
        amount = chance.uniform(0.01, 0.5) if kind in (Kind.DELAY_LINK, Kind.DELAY_STORE) else 0.0
        yield Fault(round(at, 3), kind, target, other, round(min(lasts, seconds - at), 3), round(amount, 3))


def _apart(faults: Sequence[Fault], seconds: float) -> Iterator[Fault]:
    """Leaves out what would hit a thing that is not mended yet. Cuts may come whenever they like."""
    busy: dict[tuple[str, int, int], float] = {}
    for fault in faults:
        family = _FAMILIES[fault.kind][0]
        key = (family, fault.target, fault.other)
        if fault.kind in _MOMENTARY:
            yield fault
            continue
        rolls = busy.get(("roll", 0, 0), 0.0) > fault.at and family == "replica"
        if busy.get(key, 0.0) > fault.at or rolls:
            continue
        busy[key] = fault.at + fault.lasts + _RECOVERY.get(family, 0.0)
        yield fault
