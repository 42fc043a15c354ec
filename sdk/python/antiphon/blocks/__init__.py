"""Blocks: values kept on the server under names, typed by Pydantic."""

from antiphon.blocks.core import Block

__all__ = ["Block"]
