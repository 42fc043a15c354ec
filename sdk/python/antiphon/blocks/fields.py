"""Types for fields of blocks."""

from antiphon.types import SecretDict

__all__ = ["SecretDict"]
