"""Waits for the end of a container, and follows what it prints. Everything here blocks; it needs `docker`."""

import contextlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, NotFound
from requests.exceptions import RequestException

from antiphon.workers.docker.engine import Asking
from antiphon.workers.log_lines import Output, TimedLines

#: One question for the end lasts this long; then it is looked whether the engine is still there.
ROUND_SECONDS = 60.0
#: Between two questions where the first gave nothing.
REST_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How a container has ended."""

    exit_code: int
    out_of_memory: bool = False
    #: What the engine says of it.
    error: str = ""
    #: Somebody took it away.
    removed: bool = False


def await_end(client: Any, id: str, asking: Asking) -> ContainerEnd:
    """Return how the container has ended, once it has. Raises Unreachable where the engine is away for too long, or
    where it was given up."""
    code: int | None = None
    while True:
        try:
            code = _wait_a_while(client, id)
            state = asking.ask(lambda: client.api.inspect_container(id))["State"]
        except NotFound:
            # With the daemon's own removal only the code is told.
            return ContainerEnd(code if code is not None else -1, removed=True)
        if state["Status"] in ("exited", "dead"):
            return ContainerEnd(state["ExitCode"], bool(state.get("OOMKilled")), state.get("Error") or "")
        asking.rest(REST_SECONDS)


def _wait_a_while(client: Any, id: str) -> int | None:
    """The exit code, or None where it has not ended or the engine does not say."""
    try:
        return int(client.api.wait(id, timeout=ROUND_SECONDS)["StatusCode"])
    except NotFound:
        raise
    except (APIError, RequestException, OSError, ValueError):
        # The time is over, or the engine is away, or it stopped in the midst of its answer: what holds is asked next.
        return None


class LogFollower:
    """Follows what one container prints, over cuts, until it ends or `stop`."""

    def __init__(self, client: Any, id: str, output: Output, asking: Asking) -> None:
        self._client, self._id, self._output, self._asking = client, id, output, asking
        self._lines = TimedLines()
        self._lock = threading.Lock()
        self._stream: Any = None
        self._stopped = False

    def follow(self) -> None:
        """Tell the output line by line. Raises Unreachable."""
        try:
            while self._follow_once() and self._runs():
                self._lines.begin()
        except NotFound:
            # It was removed: what it printed is gone with it.
            return
        finally:
            for line in self._lines.end():
                self._output.add(line)

    def _follow_once(self) -> bool:
        """One connection. Whether to go on."""
        since = None if self._lines.since is None else int(self._lines.since.timestamp())
        stream = self._asking.ask(
            lambda: self._client.api.logs(self._id, stream=True, follow=True, timestamps=True, since=since)
        )
        with self._lock:
            if self._stopped:
                stream.close()
                return False
            self._stream = stream
        for data in _until_cut(stream):
            for line in self._lines.feed(data):
                self._output.add(line)
        with self._lock:
            self._stream = None
            return not self._stopped

    def _runs(self) -> bool:
        state = self._asking.ask(lambda: self._client.api.inspect_container(self._id))["State"]
        return bool(state["Running"])

    def stop(self) -> None:
        """End it now; `follow` returns."""
        with self._lock:
            self._stopped = True
            if self._stream is not None:
                # At its very end there is no connection left in it to close.
                with contextlib.suppress(AttributeError, OSError):
                    self._stream.close()


def _until_cut(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The stream of the package ends quietly when its connection is lost, unless that was in the midst of a header."""
    with contextlib.suppress(struct.error):
        yield from stream


def last_lines(client: Any, id: str, asking: Asking, count: int = 20) -> list[str]:
    """Return what a container has printed last; nothing where it is gone."""
    try:
        text: bytes = asking.ask(lambda: client.api.logs(id, tail=count))
    except NotFound:
        return []
    return text.decode(errors="replace").splitlines()
