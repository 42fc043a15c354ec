"""A watch of WatchService that is read message by message, and the picture that its reader has."""

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import json_format

from contract import METHODS, Method
from refusals import Refusal, refusal_of


@dataclass(frozen=True)
class Kind:
    """One method of WatchService, and how the same is listed."""

    watch: str
    #: The field of an event.
    field: str
    listing: str
    #: The field of a page.
    listed: str


FLOW_RUNS = Kind("WatchFlowRuns", "flow_run", "ListFlowRuns", "flow_runs")
TASK_RUNS = Kind("WatchTaskRuns", "task_run", "ListTaskRuns", "task_runs")
LOGS = Kind("WatchLogs", "log", "ListLogs", "logs")
DEPLOYMENTS = Kind("WatchDeployments", "deployment", "ListDeployments", "deployments")
WORKERS = Kind("WatchWorkers", "worker", "ListWorkers", "workers")
KINDS = (FLOW_RUNS, TASK_RUNS, LOGS, DEPLOYMENTS, WORKERS)

_METHODS = {method.name: method for method in METHODS if method.service == "antiphon.v1.WatchService"}


class HandWatch:
    """One call. Requests are fields as JSON has them."""

    def __init__(self, channel: Any, kind: Kind, timeout: float = 60, **request: Any) -> None:
        method: Method = _METHODS[kind.watch]
        body = json_format.ParseDict(request, method.request()).SerializeToString()
        self.kind = kind
        self._response = method.response
        self.call = method.call(channel, body, timeout=timeout)
        self.cursor = ""
        #: Whether messages have cursors from now on: it goes on at one, or the snapshot is over.
        self.marked = "resumeCursor" in request
        #: What is known of each thing.
        self._told: dict[str, Any] = {}

    def next(self) -> tuple[str, Any]:
        """The next event: its kind (empty for a cursor alone), and what is told.

        Of two changes in a row the first may tell already what the second has made of the thing: news that is none is
        passed over. Not so a line of a log, which is told once.
        """
        while True:
            event, content = self._receive()
            if event == self.kind.field and self.kind is not LOGS:
                known = self._told.get(content.id)
                self._told[content.id] = content
                if content == known:
                    continue
            return event, content

    def _receive(self) -> tuple[str, Any]:
        message: Any = self._response.FromString(next(self.call))
        event = message.WhichOneof("event") or ""
        self.marked |= event == "snapshot_mark"
        assert bool(message.cursor) == self.marked
        self.cursor = message.cursor
        return event, getattr(message, event) if event else None

    def snapshot(self) -> list[Any]:
        """What there is, to the mark."""
        found = []
        while (event := self.next())[0] != "snapshot_mark":
            assert event[0] == self.kind.field
            found.append(event[1])
        return found

    def thing(self) -> Any:
        """The next event, which must be a thing."""
        event, thing = self.next()
        assert event == self.kind.field, (event, thing)
        return thing

    def gone(self) -> str:
        """The next event, which must be that something is gone."""
        event, id = self.next()
        assert event == "gone_id", (event, id)
        return str(id)

    def refusal(self) -> Refusal:
        """What the call ends with, whatever comes before."""
        try:
            for _ in self.call:
                continue
        except grpc.RpcError as error:
            return refusal_of(error)
        raise AssertionError("the call ended in peace")

    def cut(self) -> None:
        self.call.cancel()
