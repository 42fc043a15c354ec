"""The tables, and where in which page they stand."""

from pathlib import Path
from typing import Any

import yaml

from antiphon_server.metrics import catalogue
from antiphon_server.metrics.catalogue import Metric
from marked_tables import table, with_table

ROOT = Path(__file__).parents[3]
#: A page -> what it has a table of.
PAGES = {ROOT / "docs" / "monitoring.md": "metrics", ROOT / "docs" / "operations.md": "alerts"}
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"


def alerts() -> list[dict[str, Any]]:
    """The rules of the file."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def rendered(page: Path) -> str:
    """A page with its table as it has to be. Raises ValueError for one without its marks."""
    what = PAGES[page]
    return with_table(page.read_text(), page, what, _metrics() if what == "metrics" else _alerts())


def _metrics() -> str:
    rows = [(f"`{each.exported}`", each.type.value, _labels(each), each.meaning) for each in catalogue.ALL]
    return table(("Metric", "Type", "Labels", "Meaning"), rows)


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
    return table(("Alert", "Severity", "Meaning", "What to do"), rows)
