"""What people type for something that has an id: the id, or its start."""

import re

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID_START = re.compile(r"[0-9a-f][0-9a-f-]{3,34}")


def whole_id(typed: str) -> str | None:
    """The id that was typed; None where it is none."""
    lowered = typed.strip().lower()
    return lowered if _UUID.fullmatch(lowered) else None


def id_start(typed: str) -> str | None:
    """The start of an id that was typed, 4 or more characters of it; None where it cannot be one."""
    lowered = typed.strip().lower()
    return lowered if _ID_START.fullmatch(lowered) else None
