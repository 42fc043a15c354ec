"""Findings, for people."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from antiphon.v1.admin_service_pb2 import DiagnosticFinding, DiagnosticSeverity

__all__ = ["report", "well"]

_LABELS = {
    DiagnosticSeverity.DIAGNOSTIC_SEVERITY_ERROR: ("Error", "bold red"),
    DiagnosticSeverity.DIAGNOSTIC_SEVERITY_WARNING: ("Warning", "yellow"),
}


def report(findings: Sequence[DiagnosticFinding]) -> RenderableType:
    """A block for each finding."""
    return Group(*(part for finding in findings for part in _block(finding)))


def _block(finding: DiagnosticFinding) -> list[RenderableType]:
    label, style = _LABELS.get(finding.severity, ("Finding", ""))
    head = Text.assemble((f"{label} ", style), (finding.reason, "bold"))
    lines = [finding.message, f"Why it matters: {finding.consequence}", f"Next step: {finding.remedy}"]
    return [head, *(Padding(Text(line), (0, 0, 0, 4), expand=False) for line in lines), Text("")]


def well(addresses: Sequence[str], looked_at: Sequence[str]) -> str:
    """One line where nothing was found at these servers."""
    said = f"All is well at {', '.join(addresses)}."
    if not addresses:
        said = "All is well here; no server runs for this home, and one starts by itself when a flow runs."
    return f"{said} Looked at: {', '.join(name.replace('_', ' ') for name in looked_at)}."
