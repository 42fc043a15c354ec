"""The tables, and where in which page they stand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from antiphon_server.metrics import catalogue
from antiphon_server.metrics.catalogue import Metric

ROOT = Path(__file__).parents[3]
#: A page -> what it has a table of.
PAGES = {ROOT / "docs" / "monitoring.md": "metrics", ROOT / "docs" / "operations.md": "alerts"}
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
_BEGIN = "<!-- {}: written by scripts/generate -->\n"
_END = "<!-- end of {} -->\n"


def alerts() -> list[dict[str, Any]]:
    """The rules of the file."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def rendered(page: Path) -> str:
    """A page with its table as it has to be. Raises ValueError for one without its marks."""
    what = PAGES[page]
    table = _metrics() if what == "metrics" else _alerts()
    begin, end = _BEGIN.format(what), _END.format(what)
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} needs the lines {begin.strip()!r} and {end.strip()!r}.")
    return f"{before}{begin}{table}{end}{after}"


def _metrics() -> str:
    rows = [(f"`{each.exported}`", each.type.value, _labels(each), each.meaning) for each in catalogue.ALL]
    return _table(("Metric", "Type", "Labels", "Meaning"), rows)


def _labels(metric: Metric) -> str:
    return "; ".join(f"`{label}`: {values}" for label, values in metric.labels.items())


def _alerts() -> str:
    rows = [
        (
            f"`{each['alert']}`",
            each["labels"]["severity"],
            each["annotations"]["meaning"],
            each["annotations"]["action"],
        )
        for each in alerts()
    ]
    return _table(("Alert", "Severity", "Meaning", "What to do"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
