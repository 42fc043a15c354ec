"""The logs of a flow run as they come, until it has ended."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from antiphon.cli.following import Following
from antiphon.exceptions import AntiphonException, ServerUnreachable
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.timestamps import read_timestamp
from antiphon.v1.log_pb2 import Log
from antiphon.v1.log_service_pb2 import ListLogsRequest

#: Between two looks for new lines: the server pushes what becomes of runs, not what they write.
_BEAT_SECONDS = 0.5
#: Lines come from several processes, so one may arrive behind a younger one. A later one is found by the last look.
_LATENESS = timedelta(seconds=30)
#: Behind the end of a run, so many looks without a line mean that there are no more.
_QUIET_BEATS = 2


def follow_logs(client: ServiceClient, flow_run_id: str, *, last: int | None) -> Iterator[Log]:
    """Yield the lines that are there, of these at most the `last` ones, and those to come until the run has ended.

    Each comes once, also over cuts of the connection. Raises what `Following.events` raises.
    """
    timeout = get_current_settings().client.reconnect_timeout_seconds
    with closing(Following(client, flow_run_id, timeout)) as following:
        end = _End(following)
        lines = _Lines(client, flow_run_id, timeout)
        yield from lines.until_now(last)
        while not end.reached(_BEAT_SECONDS):
            yield from lines.new()
        yield from lines.left()
        if end.error is not None:
            raise end.error
        if end.is_news:
            yield from _last_words(lines)


def _last_words(lines: "_Lines") -> Iterator[Log]:
    """What comes behind the end: a run's process says that it has ended before all that it wrote is stored."""
    quiet, beat = 0, threading.Event()
    while quiet < _QUIET_BEATS:
        beat.wait(_BEAT_SECONDS)
        quiet += 1
        for line in lines.left():
            quiet = 0
            yield line


class _End:
    """Waits in a thread of its own for the end of the run."""

    def __init__(self, following: Following) -> None:
        self.error: AntiphonException | None = None
        #: Whether the run ended while it was followed, or just before.
        self.is_news = False
        self._following = following
        self._event = threading.Event()
        threading.Thread(target=self._wait, name="end-of-run", daemon=True).start()

    def reached(self, timeout: float) -> bool:
        """Whether it came within so many seconds."""
        return self._event.wait(timeout)

    def _wait(self) -> None:
        try:
            for _, response in self._following.events():
                if response.HasField("flow_run") and response.flow_run.HasField("end_time"):
                    self.is_news = datetime.now(UTC) - read_timestamp(response.flow_run.end_time) < _LATENESS
        except AntiphonException as error:
            self.error = error
        finally:
            self._event.set()


class _Lines:
    """The lines of one run, each once."""

    def __init__(self, client: ServiceClient, flow_run_id: str, reconnect_timeout: float) -> None:
        self._client = client
        self._of_run = f'flow_run_id = "{flow_run_id}"'
        self._reconnect_timeout = reconnect_timeout
        self._seen: set[str] = set()
        self._since = ""

    def until_now(self, last: int | None) -> Iterator[Log]:
        """Those that are there, at most the `last` ones; the others are passed over."""
        lines = list(self._listed(""))
        yield from self._unseen(lines[: -last or None] if last is not None else [], show=False)
        yield from self._unseen(lines[-last:] if last is not None else lines)

    def new(self) -> Iterator[Log]:
        """Those that came since."""
        yield from self._unseen(self._listed(self._since))

    def left(self) -> Iterator[Log]:
        """All that were not yielded, however late they came."""
        yield from self._unseen(self._listed(""))

    def _listed(self, since: str) -> list[Log]:
        request = ListLogsRequest(filter=f"{self._of_run}{since}", order_by="create_time")
        while True:
            try:
                return list(self._client.pages(self._client.logs.ListLogs, request, "logs"))
            except ServerUnreachable:
                self._client.reconnect(self._reconnect_timeout)
                request.page_token = ""

    def _unseen(self, lines: list[Log], *, show: bool = True) -> Iterator[Log]:
        for line in lines:
            if line.id not in self._seen:
                self._seen.add(line.id)
                if show:
                    yield line
        if lines:
            moment = read_timestamp(lines[-1].create_time) - _LATENESS
            self._since = f' AND create_time > "{moment.isoformat()}"'
