"""What operations do with their arguments."""

from typing import Any

from antiphon.exceptions import ObjectUnsupported

__all__ = ["refuse", "required"]


def refuse(what: str, **given: Any) -> None:
    """Raise ObjectUnsupported where any of these arguments was given, since the server keeps no such thing."""
    names = [name for name, value in given.items() if value]
    if names:
        raise ObjectUnsupported(
            f"The server keeps no {', '.join(names)} of {what}. Leave {'it' if len(names) == 1 else 'them'} out.",
            code="UNIMPLEMENTED",
        )


def required(name: str, value: str | None, why: str) -> str:
    """Return a name that must be there. Raises ValueError that says `why`."""
    if not value:
        raise ValueError(f"{name} is needed: {why}")
    return value
