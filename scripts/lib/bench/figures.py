"""What a benchmark is: a workload that yields figures, some of them with a target."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.systems import System

SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(frozen=True)
class Figure:
    """One number that a workload yields, with the one that it should reach."""

    key: str
    title: str
    unit: str
    target: float | None = None
    higher_is_better: bool = False
    #: The target where what is stored is in PostgreSQL.
    target_postgresql: float | None = None

    def meets(self, value: float) -> bool | None:
        """Whether the value reaches the target; None where there is none."""
        if self.target is None:
            return None
        return value >= self.target if self.higher_is_better else value <= self.target

    def advantage(self, ours: float, theirs: float) -> float:
        """How many times better ours is; under 1 when it is worse."""
        return ours / theirs if self.higher_is_better else theirs / ours


@dataclass(frozen=True)
class Scale:
    """How much of the work to do: 1 is the whole, less is for trying the bench itself."""

    factor: float = 1.0

    def count(self, whole: int, least: int = 5) -> int:
        """The part of `whole`, in items, to do."""
        return max(min(whole, least), round(whole * self.factor))


@dataclass(frozen=True)
class Workload:
    """A kind of work. `measure` does it once with one system and returns a number for each figure's key."""

    name: str
    figures: tuple[Figure, ...]
    measure: Callable[[System, Scale], Mapping[str, float]]
    systems: frozenset[str] = frozenset({"antiphon"})
    #: How the keys of values begin that are drawn as a curve, in their order; empty where there are none.
    curve: str = ""
    #: On which stores it can be measured.
    stores: frozenset[str] = frozenset({SQLITE, POSTGRESQL})

    def on(self, store: str) -> "Workload":
        """The same with the targets of a store."""
        if store == SQLITE:
            return self
        return replace(self, figures=tuple(replace(each, target=each.target_postgresql) for each in self.figures))


@dataclass
class Samples:
    """What the rounds of one workload gave for one system."""

    workload: Workload
    system: str
    values: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, measured: Mapping[str, float]) -> None:
        for key, value in measured.items():
            self.values.setdefault(key, []).append(value)

    def median(self, figure: Figure) -> float | None:
        """The median over the rounds; None where no round gave a value."""
        values = self.values.get(figure.key)
        return statistics.median(values) if values else None


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values were measured")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]
