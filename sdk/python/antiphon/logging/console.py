"""Records on the terminal."""

import importlib
import logging
import os
import sys
from typing import Any, Final, TextIO

from antiphon.logging.formatters import AntiphonFormatter
from antiphon.settings import get_current_settings
from antiphon.text_limits import encodable

_RESET: Final = "\x1b[0m"
_COLORS: Final = ((logging.ERROR, "\x1b[31m"), (logging.WARNING, "\x1b[33m"), (logging.INFO, ""), (0, "\x1b[2m"))


class AntiphonConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment, as it may be replaced after this handler was made.

    On a terminal, lines are coloured by their level (setting `logging.colors`; NO_COLOR switches it off as well). With
    the setting `logging.markup`, `[red]words[/red]` in messages are Rich's markup.
    """

    def __init__(self, level: int | str = logging.NOTSET) -> None:
        logging.Handler.__init__(self, level)
        self.setFormatter(AntiphonFormatter())
        #: The stream that was looked at last, and whether it is a terminal: to ask for each record takes long.
        self._seen: tuple[TextIO, bool] | None = None

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute in the base class
        return sys.stderr

    def format(self, record: logging.LogRecord) -> str:
        """A record as it is written."""
        settings = get_current_settings().logging
        colors = settings.colors and self._is_terminal() and not os.environ.get("NO_COLOR")
        # What stands behind stderr, a file or a test that looks, may take no half of a surrogate pair.
        line = encodable(super().format(record))
        if settings.markup:
            line = _with_markup(line, colors)
        color = next(color for level, color in _COLORS if record.levelno >= level) if colors else ""
        return f"{color}{line}{_RESET}" if color else line

    def _is_terminal(self) -> bool:
        stream = self.stream
        if self._seen is None or self._seen[0] is not stream:
            self._seen = stream, stream.isatty()
        return self._seen[1]


def _with_markup(line: str, colors: bool) -> str:
    """A line whose markup is drawn, or without colours left out. What is no sound markup stays as it is."""
    # Loaded here: few people ask for markup.
    try:
        text = importlib.import_module("rich.text").Text.from_markup(line, emoji=False)
    except importlib.import_module("rich.errors").MarkupError:
        return line
    if not colors:
        return str(text.plain)
    console: Any = importlib.import_module("rich.console").Console(
        force_terminal=True, width=max(len(line), 1), highlight=False, no_color=False
    )
    with console.capture() as captured:
        console.print(text, end="", soft_wrap=True)
    return str(captured.get())
