"""Follows a flow run and its subflows over cuts of the connection and restarts of the server."""

import threading
from collections import deque
from collections.abc import Iterator
from queue import SimpleQueue
from typing import TypeAlias

from antiphon.exceptions import ObjectNotFound, ServerError, ServerUnreachable
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, WatchFlowRunRequest, WatchFlowRunResponse
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest

#: Codes of a stream that was cut rather than refused.
_CUTS = frozenset({"UNAVAILABLE", "CANCELLED"})
#: Connections in a row that may break before anything came.
_MOST_FRUITLESS = 5
#: Subflows followed at the same time; others wait until one of these ends.
_MOST_AT_ONCE = 50

#: (flow run, what its watch sent; None where it ended in peace; an error where it could not go on)
_Event: TypeAlias = tuple[str, WatchFlowRunResponse | ServerError | None]


class Following:
    """The watches of one flow run and of the subflows that are asked for. Iterate `events`, from one thread."""

    def __init__(self, client: ServiceClient, root_id: str, reconnect_timeout: float) -> None:
        self._client = client
        self._root_id = root_id
        self._reconnect_timeout = reconnect_timeout
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._asked = {root_id}
        self._ended: set[str] = set()
        self._waiting: deque[str] = deque()
        self._at_work = 0
        self._closed = False

    def close(self) -> None:
        """Say that nobody listens any more, before the client is closed: streams that end then are no cuts."""
        self._closed = True

    def follow(self, flow_run_id: str) -> None:
        """Follow a subflow too; known ones are passed over."""
        if flow_run_id not in self._asked:
            self._asked.add(flow_run_id)
            self._waiting.append(flow_run_id)
            self._start_waiting()

    def events(self) -> Iterator[tuple[str, WatchFlowRunResponse]]:
        """Yield (flow run, what its watch sent) until the root has ended, then how its subflows stand at that time.

        Raises ServerError where the root cannot be followed, and ServerUnreachable after the reconnect timeout.
        """
        self._start(self._root_id)
        while self._root_id not in self._ended:
            flow_run_id, event = self._events.get()
            if isinstance(event, WatchFlowRunResponse):
                yield flow_run_id, event
                continue
            if event is not None and (flow_run_id == self._root_id or isinstance(event, ServerUnreachable)):
                raise event
            self._ended.add(flow_run_id)
            self._at_work -= 1
            self._start_waiting()
        yield from self._last_look()

    def _last_look(self) -> Iterator[tuple[str, WatchFlowRunResponse]]:
        """Read the subflows whose watches have not ended: waiting for those could take for ever after a crash."""
        looked_at: set[str] = set()
        while todo := self._asked - self._ended - looked_at:
            for flow_run_id in sorted(todo):
                looked_at.add(flow_run_id)
                yield from self._read(flow_run_id)

    def _read(self, flow_run_id: str) -> Iterator[tuple[str, WatchFlowRunResponse]]:
        client = self._client
        try:
            run = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=flow_run_id)).flow_run
        except ObjectNotFound:
            return  # deleted meanwhile
        yield flow_run_id, WatchFlowRunResponse(flow_run=run)
        request = ListTaskRunsRequest(filter=f'flow_run_id = "{flow_run_id}"', order_by="create_time")
        for task_run in client.pages(client.task_runs.ListTaskRuns, request, "task_runs"):
            yield flow_run_id, WatchFlowRunResponse(task_run=task_run)

    def _start_waiting(self) -> None:
        while self._waiting and self._at_work < _MOST_AT_ONCE:
            self._start(self._waiting.popleft())

    def _start(self, flow_run_id: str) -> None:
        self._at_work += 1
        threading.Thread(target=self._run, args=(flow_run_id,), name=f"watch-{flow_run_id}", daemon=True).start()

    def _run(self, flow_run_id: str) -> None:
        outcome: ServerError | None = None
        try:
            self._follow(flow_run_id)
        except ServerError as error:
            outcome = error
        finally:
            self._events.put((flow_run_id, outcome))

    def _follow(self, flow_run_id: str) -> None:
        """Pass on what the watch sends until it ends in peace. After a cut, go on from the last cursor."""
        cursor, fruitless = "", 0
        while True:
            try:
                request = WatchFlowRunRequest(id=flow_run_id, resume_cursor=cursor)
                for response in self._client.stream(self._client.flow_runs.WatchFlowRun, request):
                    cursor, fruitless = response.cursor, 0
                    self._events.put((flow_run_id, response))
                return
            except ServerError as error:
                fruitless += 1
                if self._closed or fruitless > _MOST_FRUITLESS:
                    raise
                if error.reason == "CURSOR_TOO_OLD":
                    cursor = ""  # the snapshot that comes brings everything up to date
                elif error.code in _CUTS:
                    self._client.reconnect(self._reconnect_timeout)
                else:
                    raise
