"""Texts in the filters that the server takes."""

import re


def quote(text: str) -> str:
    """A text as a filter has it: nothing in it is taken for a wildcard or the end."""
    return '"' + re.sub(r'(["\\*])', r"\\\1", text) + '"'
