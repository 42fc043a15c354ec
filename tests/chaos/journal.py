"""What a process proposed, was told and did, a JSON object a line, in a file of its own.

A line is one write to a file that is opened for appending, so it survives the SIGKILL of its writer from the moment
that the write returns: what is killed here are processes, never the machine. `sync` waits for the disk as well.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: A line: `what` and `at`, microseconds of the machine's clock since it was started, the same for all processes.
Entry = dict[str, Any]


def monotonic() -> int:
    """Microseconds that all processes of the machine count alike, whatever happens to the time of day."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class Journal:
    """Appends to a file. Safe in any thread."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lock = threading.Lock()

    def note(self, what: str, *, at: int | None = None, sync: bool = False, **facts: Any) -> None:
        entry = {"what": what, "at": monotonic() if at is None else at, **facts}
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            written = os.write(self._file, line)
        assert written == len(line), "the disk is full"
        if sync:
            os.fdatasync(self._file)


def read(path: Path) -> Iterator[Entry]:
    """The lines of one file; `by` names it. A last line that was cut by a kill is no line."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line) | {"by": path.stem}


def read_all(folder: Path) -> list[Entry]:
    """Of all files in a folder, in the order of time."""
    entries = [entry for path in sorted(folder.glob("*.journal")) for entry in read(path)]
    return sorted(entries, key=lambda entry: entry["at"])
