"""What `antiphon deploy` says of what it did."""

import json
from dataclasses import dataclass
from typing import Any

from antiphon.cli.output import to_json
from antiphon.deployments.changes import Change
from antiphon.v1.deployment_pb2 import Deployment

#: Characters of a value on a line for people.
_SHOWN = 80


@dataclass(slots=True)
class Outcome:
    """What became of one deployment."""

    name: str
    #: created, changed, unchanged, failed, or would_create, would_change, would_not_change.
    status: str
    changes: list[Change]
    deployment: Deployment | None = None
    error: str = ""


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON says it."""
    return {
        "name": outcome.name,
        "status": outcome.status,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in outcome.changes],
        "deployment": to_json(outcome.deployment) if outcome.deployment is not None else None,
        "error": outcome.error or None,
    }


_WORDS = {
    "created": "{name} is made.",
    "changed": "{name} is changed:",
    "unchanged": "{name} is as it was.",
    "would_create": "{name} would be made:",
    "would_change": "{name} would be changed:",
    "would_not_change": "{name} would stay as it is.",
}


def outcome_lines(outcome: Outcome) -> list[str]:
    """An outcome for people; one that failed has none."""
    if outcome.status == "failed":
        return []
    lines = [_WORDS[outcome.status].format(name=outcome.name)]
    if outcome.status == "created":
        return lines
    fresh = outcome.status == "would_create"
    for each in outcome.changes:
        was = "" if fresh else f"{_shown(each.field, each.before)} -> "
        lines.append(f"  {each.field}: {was}{_shown(each.field, each.after)}")
    return lines


def _shown(field: str, value: Any) -> str:
    if field == "parameter_schema":
        names = ", ".join((value or {}).get("properties", {}))
        return f"({names})"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
