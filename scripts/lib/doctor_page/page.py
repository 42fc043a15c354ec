"""The tables, and where in the page they stand."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antiphon.cli.doctor.symptoms import SYMPTOMS as OF_THE_CLIENT
from antiphon.v1.admin_service_pb2 import DiagnosticSeverity
from antiphon_server.diagnosis.registry import SYMPTOMS as OF_THE_SERVER
from marked_tables import table, with_table

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"
TABLES: dict[str, Sequence[Any]] = {"client": OF_THE_CLIENT, "server": OF_THE_SERVER}
_HEAD = ("Finding", "", "When it is told", "Why it matters", "Next step")


def rendered() -> str:
    """The page with its tables as they have to be. Raises ValueError for a page without its marks."""
    page = PAGE.read_text()
    for what, symptoms in TABLES.items():
        page = with_table(page, PAGE, what, table(_HEAD, map(_row, symptoms)))
    return page


def _row(symptom: Any) -> tuple[str, ...]:
    severity = DiagnosticSeverity.Name(symptom.severity).removeprefix("DIAGNOSTIC_SEVERITY_").lower()
    return f"`{symptom.reason}`", severity, symptom.meaning, symptom.consequence, _remedy(symptom.remedy)


def _remedy(text: str) -> str:
    """With names in place of the facts of a finding."""
    text = text.replace("`{command}`", "the command that it names")
    return re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), text)
