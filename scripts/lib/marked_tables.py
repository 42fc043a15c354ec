"""Tables that are written into pages of the docs, between marks."""

from collections.abc import Iterable, Sequence
from pathlib import Path

_BEGIN = "<!-- {}: written by scripts/generate -->\n"
_END = "<!-- end of {} -->\n"


def with_table(page: str, path: Path, what: str, table: str) -> str:
    """The text of a page with a table between the marks of that name. Raises ValueError for one without these, which is
    named by its path."""
    begin, end = _BEGIN.format(what), _END.format(what)
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{path} needs the lines {begin.strip()!r} and {end.strip()!r}.")
    return f"{before}{begin}{table}{end}{after}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
