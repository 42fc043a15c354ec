"""What may be found: kinds of symptoms, told of once and for all, and what was found of one here and now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """The numbers are those of `antiphon.v1.DiagnosticSeverity`."""

    #: Nothing fails of it now.
    WARNING = 1
    #: Something does not work.
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Symptom:
    """One kind of thing that may be wrong. docs/doctor.md is made of these."""

    #: Upper snake case; it stays the same from release to release.
    reason: str
    severity: Severity
    #: When it is told, in a sentence.
    meaning: str
    #: Why it matters, in a sentence.
    consequence: str
    #: What to do next. `{name}` stands for a fact of the finding.
    remedy: str

    def found(self, message: str, **facts: Any) -> "Finding":
        """Here it is: `message` says it with figures, `facts` has ids and figures for programs."""
        texts = {name: str(value) for name, value in facts.items()}
        return Finding(self, message, self.remedy.format_map(texts), texts)


@dataclass(frozen=True, slots=True)
class Finding:
    """A symptom that is there."""

    symptom: Symptom
    message: str
    remedy: str
    facts: Mapping[str, str] = field(default_factory=dict)
