"""The page's tables, and what is wrong with the reasons that were written down for them."""

from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase

from coming_from.commands import commands
from coming_from.standings import (
    DIFFERS,
    MISSING,
    REASONS,
    ROOT,
    SAME,
    Reason,
    Standing,
    reason_for,
    reasons,
    standings,
)

PAGE = ROOT / "docs" / "coming-from-prefect.md"
#: What stands above it is written by hand.
MARK = "<!-- What follows is written by scripts/generate. -->\n"


def render() -> str:
    """The whole page as it should be. Raises ValueError where a reason is missing or stale."""
    found, of_commands, known = standings(), commands(), reasons()
    wrong = problems([*(each for names in found.values() for each in names), *of_commands], known)
    if wrong:
        raise ValueError(f"{REASONS.relative_to(ROOT)}: " + "\n".join(wrong))
    return (
        PAGE.read_text().partition(MARK)[0]
        + MARK
        + "\n"
        + "\n".join((*_commands(of_commands, known), *_tables(found, known)))
        + "\n"
    )


def problems(found: list[Standing], known: list[Reason]) -> list[str]:
    """Names without a reason, and reasons for what needs none."""
    wrong = [
        f"{each.key} {each.standing} ({'; '.join(each.differs) or 'no such name'}) and has no reason."
        for each in found
        if each.standing != SAME and reason_for(each, known) is None
    ]
    for reason in known:
        for pattern in reason.names:
            meant = [each for each in found if fnmatchcase(each.key, pattern)]
            same = [each.key for each in meant if each.standing == SAME]
            if not meant or same:
                wrong.append(f"{pattern!r} has a reason and needs none: {', '.join(same) or 'there is no such name'}.")
    return wrong


def _commands(found: list[Standing], known: list[Reason]) -> Iterator[str]:
    yield "## Commands"
    yield ""
    yield ("Options that are not here stand behind their command. JSON comes by `--json` too.")
    yield from ("", "| Command | Standing | |", "| --- | --- | --- |")
    yield from _rows(found, known)
    yield ""


def _tables(found: dict[str, list[Standing]], known: list[Reason]) -> Iterator[str]:
    every = [each for names in found.values() for each in names]
    counts = {standing: sum(each.standing == standing for each in every) for standing in (SAME, DIFFERS, MISSING)}
    yield "## Every name"
    yield ""
    yield (
        f"{len(every)} names: {counts[SAME]} are the same, {counts[DIFFERS]} differ, {counts[MISSING]} are not "
        "there. In brackets: what ours takes besides."
    )
    for module, names in found.items():
        yield from ("", f"### `{'.'.join(part for part in ('prefect', module) if part)}`", "")
        if not names:
            yield "It has no names of its own there, and is not here."
            continue
        yield from ("| Name | Standing | |", "| --- | --- | --- |")
        yield from _rows(names, known)


def _rows(names: list[Standing], known: list[Reason]) -> Iterator[str]:
    same = [each for each in names if each.standing == SAME]
    if same:
        yield f"| {', '.join(map(_with_more, same))} | {SAME} | |"
    for standing in (DIFFERS, MISSING):
        yield from _reasoned([each for each in names if each.standing == standing], known)


def _reasoned(names: list[Standing], known: list[Reason]) -> Iterator[str]:
    """A row for all that have the same to be said of them."""
    alike: dict[str, list[Standing]] = defaultdict(list)
    for each in names:
        differs = f"{'; '.join(each.differs)}. " if each.differs else ""
        alike[_cell(differs + (reason_for(each, known) or ""))].append(each)
    for said, of_these in alike.items():
        yield f"| {', '.join(f'`{each.name}`' for each in of_these)} | {of_these[0].standing} | {said} |"


def _with_more(each: Standing) -> str:
    more = f" ({', '.join(f'`{name}`' for name in each.more)})" if each.more else ""
    return f"`{each.name}`{more}"


def _cell(text: str) -> str:
    return text.strip().replace("\n", " ").replace("|", "\\|")
