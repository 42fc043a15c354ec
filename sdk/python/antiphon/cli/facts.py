"""All about one thing, as people read it: a label and a value a line."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text


def facts_table(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """The facts in order; those without a value are left out."""
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, value in rows:
        if value:
            facts.add_row(Text(label), value if isinstance(value, Text) else Text(value))
    return facts
