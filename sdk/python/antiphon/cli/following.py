"""Follows a flow run and its subflows over cuts of the connection and restarts of the server."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from queue import Empty
from typing import TypeAlias

from antiphon.cli.cuts import over_cuts
from antiphon.exceptions import FlowRunWaitTimeout, ObjectNotFound, ServerError, ServerUnreachable
from antiphon.mailbox import Mailbox
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, WatchFlowRunRequest, WatchFlowRunResponse
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest

#: Subflows followed at the same time; others wait until one of these ends.
_MOST_AT_ONCE = 50

#: (flow run, what its watch sent; None where it ended in peace; an error where it could not go on)
_Event: TypeAlias = tuple[str, WatchFlowRunResponse | ServerError | None]


class Following:
    """The watches of one flow run and of the subflows that are asked for. Iterate `events`, from one thread."""

    def __init__(
        self, client: ServiceClient, root_id: str, reconnect_timeout: float, timeout: float | None = None
    ) -> None:
        """Times in seconds. After `timeout` it is given up, if the run has not ended; None waits for ever."""
        self._client = client
        self._root_id = root_id
        self._reconnect_timeout = reconnect_timeout
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._events: Mailbox[_Event] = Mailbox()
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

        Raises ServerError where the root cannot be followed, ServerUnreachable after the reconnect timeout, and
        FlowRunWaitTimeout.
        """
        self._start(self._root_id)
        while self._root_id not in self._ended:
            flow_run_id, event = self._next()
            if isinstance(event, WatchFlowRunResponse):
                yield flow_run_id, event
                continue
            if event is not None and (flow_run_id == self._root_id or isinstance(event, ServerUnreachable)):
                raise event
            self._ended.add(flow_run_id)
            self._at_work -= 1
            self._start_waiting()
        yield from self._last_look()

    def _next(self) -> _Event:
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        try:
            return self._events.get(timeout=left)
        except Empty:
            raise FlowRunWaitTimeout(
                f"Flow run {self._root_id} has not ended within {self._timeout:g} s. It goes on; follow it with"
                f" `antiphon flow-run watch {self._root_id}`."
            ) from None

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
        """Pass on what the watch sends until it ends in peace."""

        def watch(cursor: str) -> Iterator[WatchFlowRunResponse]:
            request = WatchFlowRunRequest(id=flow_run_id, resume_cursor=cursor)
            return self._client.stream(self._client.flow_runs.WatchFlowRun, request)

        answers = over_cuts(
            self._client,
            watch,
            self._reconnect_timeout,
            cursor_of=lambda response: response.cursor,
            given_up=lambda: self._closed,
        )
        for response in answers:
            self._events.put((flow_run_id, response))
