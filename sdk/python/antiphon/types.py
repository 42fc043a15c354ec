"""Types for annotations."""

from typing import Any

from pydantic import Secret

__all__ = ["SecretDict"]


class SecretDict(Secret[dict[str, Any]]):
    """A dict whose values are secret: not in its `repr`, and encrypted where a block keeps it."""
