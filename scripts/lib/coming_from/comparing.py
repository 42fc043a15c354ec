"""What differs between two shapes, in words. No words: whoever uses theirs can use ours."""

import re
from dataclasses import dataclass, field

from coming_from.shapes import POSITIONAL

CALLABLE = frozenset({"class", "function", "method"})
#: Kinds that nothing is asked of except that they are there.
PLAIN = frozenset({"object", "value", "property"})


def renamed(word: str) -> str:
    """A name or default of theirs, as ours is called."""
    return word.replace("prefect", "antiphon").replace("Prefect", "Antiphon").replace("PREFECT", "ANTIPHON")


@dataclass
class Comparison:
    """`differs`: what could break a program. `more`: what ours takes besides."""

    differs: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)


@dataclass
class _Parameters:
    by_place: list[str]
    by_name: dict[str, str | None]
    marks: set[str]


def compare(theirs: list[str], ours: list[str]) -> Comparison:
    """Two shapes; the names of theirs are taken as ours are called."""
    theirs = [renamed(word) for word in theirs]
    kind, our_kind = theirs[0], ours[0]
    if kind in CALLABLE and our_kind in CALLABLE:
        compared = _compare_parameters(_parameters(theirs[1:]), _parameters(ours[1:]))
        if kind != our_kind:
            compared.differs.insert(0, f"a {kind} there, a {our_kind} here")
        return compared
    if kind == our_kind and kind in ("enum", "exception"):
        lost = [word for word in theirs[1:] if word not in ours]
        gained = [word for word in ours[1:] if word not in theirs]
        if kind == "exception":
            return Comparison([f"no `{word}`" for word in lost])
        return Comparison([f"without `{word}`" for word in lost], gained)
    if kind in PLAIN and our_kind in PLAIN:
        return Comparison()
    return Comparison([] if kind == our_kind else [f"{_a(kind)} there, {_a(our_kind)} here"])


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _parameters(words: list[str]) -> _Parameters:
    read = _Parameters([], {}, set())
    by_place = True
    for word in words:
        if match := re.match(r"\*+", word):
            by_place = False
            if word != "*":
                read.marks.add(match[0])
            continue
        name, equals, default = word.partition("=")
        if name == POSITIONAL:
            name = f"{POSITIONAL} {len(read.by_place) + 1}"
        read.by_name[name] = default if equals else None
        if by_place:
            read.by_place.append(name)
    return read


def _compare_parameters(theirs: _Parameters, ours: _Parameters) -> Comparison:
    _call_alike(theirs, ours)
    differs = [f"without `{name}`" for name in theirs.by_name if name not in ours.by_name]
    differs += [f"without `{mark}`" for mark in sorted(theirs.marks - ours.marks)]
    for name in ours.by_name.keys() & theirs.by_name.keys():
        differs += _compare_default(name, theirs.by_name[name], ours.by_name[name])
    differs += _compare_places(theirs, ours)
    added = [name for name in ours.by_name if name not in theirs.by_name]
    differs += [f"`{name}` has to be given" for name in added if ours.by_name[name] is None]
    return Comparison(sorted(differs), [name for name in added if ours.by_name[name] is not None])


def _call_alike(theirs: _Parameters, ours: _Parameters) -> None:
    """A parameter that people give by its place only has the name of the other's at that place."""
    for one, other in ((theirs, ours), (ours, theirs)):
        for place, name in enumerate(one.by_place):
            if name.startswith(POSITIONAL) and place < len(other.by_place):
                one.by_place[place] = other.by_place[place]
                one.by_name[other.by_place[place]] = one.by_name.pop(name)


def _compare_default(name: str, theirs: str | None, ours: str | None) -> list[str]:
    if theirs == ours or theirs is None:
        return []
    if ours is None:
        return [f"`{name}` has to be given"]
    return [f"`{name}` is `{ours}` by default, there `{theirs}`"]


def _compare_places(theirs: _Parameters, ours: _Parameters) -> list[str]:
    shared = [name for name in theirs.by_place if name in ours.by_name]
    places = [name for name in ours.by_place if name in theirs.by_place]
    by_name_only = [name for name in shared if name not in ours.by_place]
    if by_name_only:
        return [f"`{name}` by keyword only" for name in by_name_only]
    if ours.by_place[: len(shared)] != shared:
        between = [name for name in ours.by_place[: len(shared)] if name not in theirs.by_place]
        after = f", after {', '.join(f'`{name}`' for name in between)}" if between else ""
        return [f"in the order {', '.join(f'`{name}`' for name in places)}{after}"]
    return []
