"""A hand that does something to a flow run whenever it pauses: it follows the run, so nothing sleeps."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import WatchFlowRunRequest
from antiphon.v1.state_pb2 import STATE_TYPE_PAUSED, STATE_TYPE_RUNNING

Act = Callable[[FlowRun], Any]


class OnPause:
    """`with OnPause(client) as hand:`; at the end, what went wrong in the acts is raised."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(8)
        self._done: list[Future[None]] = []

    def __enter__(self) -> "OnPause":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=kind is None)
        if kind is None:
            for each in self._done:
                each.result(30)

    def __call__(self, run_id: str, *acts: Act) -> None:
        """Has each of the acts called, in order, for one pause of the run."""
        self._done.append(self._threads.submit(self._follow, run_id, STATE_TYPE_PAUSED, list(acts)))

    def when_running(self, run_id: str, act: Act) -> None:
        self._done.append(self._threads.submit(self._follow, run_id, STATE_TYPE_RUNNING, [act]))

    def _follow(self, run_id: str, type_: Any, acts: list[Act]) -> None:
        seen = ""
        request = WatchFlowRunRequest(id=run_id)
        for message in self._client.flow_runs.WatchFlowRun(request, timeout=60):
            run = message.flow_run
            if message.HasField("flow_run") and run.state.type == type_ and run.state.id != seen:
                seen = run.state.id
                acts.pop(0)(run)
                if not acts:
                    return
        raise AssertionError(f"flow run {run_id} ended, and these were not called: {acts}")
