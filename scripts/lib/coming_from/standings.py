"""The standing of every name: ours is looked up and compared, and the reason that was written down is found."""

import importlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from coming_from.comparing import compare, renamed
from coming_from.shapes import TYPE_VARIABLE, members, shape

ROOT = Path(__file__).resolve().parents[3]
NAMES = ROOT / "tests" / "data" / "prefect_names.toml"
REASONS = ROOT / "docs" / "coming-from-prefect.toml"

#: The module that commands go by: `docs/coming-from-prefect.toml` names them `$.flow-run ls`.
COMMANDS = "$"
SAME, DIFFERS, MISSING = "same", "differs", "not there"


@dataclass(frozen=True)
class Standing:
    """`module`: as theirs is called, without `prefect.`. `differs` and `more` in words."""

    module: str
    name: str
    standing: str
    differs: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """By which `docs/coming-from-prefect.toml` names it."""
        if self.module == COMMANDS:
            return f"{COMMANDS}.{self.name}"
        return ".".join(part for part in ("prefect", self.module, self.name) if part)


def standings() -> dict[str, list[Standing]]:
    """Module -> its names and, as `Class.method`, those of its main classes."""
    facts: dict[str, dict[str, list[str]]] = tomllib.loads(NAMES.read_text())["modules"]
    return {module: list(_of_module(module, names)) for module, names in facts.items()}


def _of_module(module: str, names: dict[str, list[str]]) -> Iterator[Standing]:
    home = _imported(module)
    for name, theirs in names.items():
        ours = _found(home, renamed(name))
        if ours is None or theirs[0] == TYPE_VARIABLE:
            yield Standing(module, name, MISSING)
            continue
        compared = compare(theirs, ours)
        standing = DIFFERS if compared.differs else SAME
        yield Standing(module, name, standing, tuple(compared.differs), tuple(compared.more))


def _imported(module: str) -> Any:
    name = renamed(f"antiphon.{module}" if module else "antiphon")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        return None


def _found(home: Any, name: str) -> list[str] | None:
    owner, _, member = name.rpartition(".")
    if owner:
        found = getattr(home, owner, None)
        return members(found, "antiphon").get(member) if isinstance(found, type) else None
    missing = object()
    thing = getattr(home, name, missing)
    return None if thing is missing else shape(thing)


@dataclass(frozen=True)
class Reason:
    """Why some names differ or are not there. `names` may have `*`, as file names do."""

    why: str
    names: tuple[str, ...]


def reasons() -> list[Reason]:
    read = tomllib.loads(REASONS.read_text())["reason"]
    return [Reason(entry["why"], tuple(entry["names"])) for entry in read]


def reason_for(standing: Standing, known: list[Reason]) -> str | None:
    """The reason that names it in full, else the first one with a pattern for it."""
    for matches in (lambda key, name: key == name, fnmatchcase):
        for reason in known:
            if any(matches(standing.key, name) for name in reason.names):
                return reason.why
    return None
