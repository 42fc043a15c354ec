"""A console for what others have named and logged: a terminal would obey the control characters in it."""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class SafeConsole(Console):
    """Lets no control character through but tab and line feed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None and _CONTROL.search(segment.text):
                yield Segment(_CONTROL.sub(_escape, segment.text), segment.style)
            else:
                yield segment


def on_one_line(text: str) -> str:
    """The text with escapes in place of all control characters and line breaks, so that its width can be measured."""
    return _CONTROL_OR_BREAK.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return "\\n" if found[0] == "\n" else f"\\x{ord(found[0]):02x}"
