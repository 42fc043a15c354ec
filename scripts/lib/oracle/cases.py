"""Files of observed behaviour: one case, or one sequence of steps, a line of JSON; plain or gzipped."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One proposal on one run. Times are seconds from the moment of the case."""

    id: str
    kind: str
    group: str
    initial: Json | None
    proposed: Json
    context: Json
    expect: Json

    @property
    def initial_type(self) -> str | None:
        return self.initial["type"] if self.initial is not None else None

    @property
    def details(self) -> Json:
        """Of the proposed state."""
        return self.proposed.get("details") or {}

    @property
    def initial_details(self) -> Json:
        return (self.initial or {}).get("details") or {}

    @property
    def deployment(self) -> Json | None:
        found: Json | None = self.context.get("deployment")
        return found

    @property
    def forced(self) -> bool:
        return bool(self.context.get("force"))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A life of some runs, step by step."""

    id: str
    setup: Json
    steps: list[Json]


class WrongFile(Exception):
    """A line that is neither a case nor a sequence."""


def read(path: Path) -> Iterator[Case | Sequence]:
    """What the file holds, in order. Raises WrongFile, OSError."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rt", encoding="utf-8") if zipped else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _parse(line, f"{path}:{number}")


def _parse(line: str, where: str) -> Case | Sequence:
    try:
        row = json.loads(line)
        if "steps" in row:
            return Sequence(row["id"], row["setup"], row["steps"])
        names = ("id", "kind", "group", "initial", "proposed", "context", "expect")
        return Case(*(row[name] for name in names))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise WrongFile(f"{where}: this is neither a case nor a sequence ({error!r})") from error
