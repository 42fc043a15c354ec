"""The server's log as JSON, one object a line, for programs that read it.

What a line says in its message by name (`"session %(session_id)s ...", {"session_id": id}`) is a key of the object too,
and so is what is known of the call in which it was said.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

TEXT, JSON = FORMATS = ("text", "json")

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """Keys: `time` (RFC 3339, UTC), `level`, `logger`, `message`, `exception` where there is one, then what the line
    names, and what `facts` tells of the call."""

    def __init__(self, facts: Callable[[], Mapping[str, object]]) -> None:
        super().__init__()
        self._facts = facts

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        named = record.args if isinstance(record.args, Mapping) else {}
        return json.dumps({**said, **self._facts(), **named, **said}, default=str)


def set_up(format: str, level: str, facts: Callable[[], Mapping[str, object]]) -> None:
    """Has this process log to stderr: what others say from WARNING on, the server from `level` on."""
    logging.basicConfig(level=logging.WARNING, format=_TEXT)
    if format == JSON:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines(facts))
    logging.getLogger("antiphon_server").setLevel(level)
