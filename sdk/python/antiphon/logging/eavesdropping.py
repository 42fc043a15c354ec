"""What a logger says, kept as text."""

import logging
from types import TracebackType
from typing import Self


class LogEavesdropper(logging.Handler):
    """Inside the `with` block, keeps the records of a logger and those below it, from `level` on; `text()` gives them.

    What the loggers themselves do not let through, by a level of their own, is not heard.
    """

    def __init__(self, eavesdrop_on: str, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        self._target = logging.getLogger(eavesdrop_on)
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self._target.addHandler(self)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._target.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record. Called by the logger."""
        self._lines.append(self.format(record))

    def text(self) -> str:
        """What was heard so far, a record a line: `[INFO]: Hello`."""
        return "\n".join(self._lines)
