"""Following flow runs, task runs, logs, deployments and workers as they change, over cuts and restarts of the server.

for step in watch("flow_runs", 'state.type = RUNNING'):
    ...

async for step in awatch("logs", f'flow_run_id = "{id}"', newest=20):
    ...
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import grpc

from antiphon.channels import options_for
from antiphon.exceptions import ServerError
from antiphon.given_clients import AnyClient, service_client_of
from antiphon.server_errors import from_rpc_error
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.shared_client import shared_client
from antiphon.stream_cuts import Cuts
from antiphon.stream_reading import read_apart
from antiphon.v1 import watch_service_pb2 as pb
from antiphon.v1.watch_service_pb2_grpc import WatchServiceStub

__all__ = ["Picture", "Step", "Watch", "WatchedKind", "awatch", "watch"]

WatchedKind: TypeAlias = Literal["flow_runs", "task_runs", "logs", "deployments", "workers"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of following.

    `kind` is `begin`: from here on a snapshot is told, and what was told before counts no more; `thing`: `thing` is
    there, or is so now, a message of `antiphon.v1`; `gone`: the thing with this `id` was deleted, or matches no more;
    it may be an unknown one; `mark`: the snapshot is complete.
    """

    kind: Literal["begin", "thing", "gone", "mark"]
    thing: Any = None
    id: str = ""
    #: Where another watch with this filter may go on behind this step; empty in a snapshot.
    cursor: str = ""


class Picture(dict[str, Any]):
    """What matches now, by id: `apply` each step."""

    def apply(self, step: Step) -> None:
        """Bring the picture up to date."""
        if step.kind == "begin":
            self.clear()
        elif step.kind == "thing":
            self[step.thing.id] = step.thing
        elif step.kind == "gone":
            self.pop(step.id, None)


def watch(
    kind: WatchedKind,
    filter: str = "",
    *,
    newest: int | None = None,
    skip_snapshot: bool = False,
    cursor: str = "",
    client: AnyClient = None,
) -> "Watch":
    """Yield what there is that matches `filter`, in the order of creation, then what changes, without end.

    `filter` is that of the List method. Of `logs` the snapshot has only the `newest` lines, up to 10,000, where that is
    said. With `skip_snapshot` only changes come, with `cursor` those behind that step. `client` is that of another
    server than the configured one.

    A cut is mended: the watch goes on where it was, or begins anew where the server does not know that any more. Then
    lines of `logs` are told again, of those with `newest` the last 10,000; pass over ids that you know.

    Raises ServerError for a wrong filter or cursor, and ServerUnreachable where no server answers within
    `client.reconnect_timeout_seconds`; TypeError or ValueError for arguments that make no sense.
    """
    course = _Course(kind, filter, newest, skip_snapshot, cursor)
    server = service_client_of(client) or shared_client()
    return Watch(course, server, get_current_settings().client.reconnect_timeout_seconds)


def awatch(
    kind: WatchedKind,
    filter: str = "",
    *,
    newest: int | None = None,
    skip_snapshot: bool = False,
    cursor: str = "",
    client: AnyClient = None,
) -> AsyncIterator[Step]:
    """Yield the same as `watch` in async code, where many watches hold no thread."""
    course = _Course(kind, filter, newest, skip_snapshot, cursor)
    return _awatch(course, service_client_of(client), get_current_settings().client.reconnect_timeout_seconds)


#: That a snapshot of the newest lines can have.
_MOST_LINES = 10_000


@dataclass(frozen=True, slots=True)
class _Kind:
    method: str
    request: Callable[..., Any]
    #: The field of a response for a thing.
    field: str


_KINDS: dict[str, _Kind] = {
    "flow_runs": _Kind("WatchFlowRuns", pb.WatchFlowRunsRequest, "flow_run"),
    "task_runs": _Kind("WatchTaskRuns", pb.WatchServiceWatchTaskRunsRequest, "task_run"),
    "logs": _Kind("WatchLogs", pb.WatchLogsRequest, "log"),
    "deployments": _Kind("WatchDeployments", pb.WatchDeploymentsRequest, "deployment"),
    "workers": _Kind("WatchWorkers", pb.WatchWorkersRequest, "worker"),
}


class _Course:
    """How a watch goes on: what both faces share. It asks, and is told what came."""

    def __init__(self, kind: str, filter: str, newest: int | None, skip_snapshot: bool, cursor: str) -> None:
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} cannot be watched; what can is {', '.join(_KINDS)}.")
        if newest is not None and kind != "logs":
            raise ValueError(f"newest is for logs; of {kind} say by a filter which ones you want.")
        self._kind = _KINDS[kind]
        fields: dict[str, Any] = {} if newest is None else {"newest_lines": newest}
        self._request = self._kind.request(filter=filter, skip_snapshot=skip_snapshot, **fields)
        if newest == 0:
            self._request.skip_snapshot = True
        self._newest = newest
        self._cuts = Cuts(cursor)

    def method(self, channel: Any) -> Any:
        """The method to call next, on a channel of either face."""
        return getattr(WatchServiceStub(channel), self._kind.method)

    def request(self) -> Any:
        """What to call it with."""
        self._request.resume_cursor = self._cuts.cursor
        return self._request

    def begins(self) -> list[Step]:
        """What to tell before the call."""
        return [] if self._cuts.cursor else [Step("begin")]

    def steps(self, response: Any) -> list[Step]:
        """What to tell of a message that came."""
        self._cuts.came(response.cursor)
        event = response.WhichOneof("event")
        if event == self._kind.field:
            return [Step("thing", getattr(response, event), cursor=response.cursor)]
        if event == "gone_id":
            return [Step("gone", id=response.gone_id, cursor=response.cursor)]
        return [Step("mark", cursor=response.cursor)] if event == "snapshot_mark" else []

    def failed(self, error: ServerError) -> bool:
        """Whether to wait for the server before the next call. Raises the error where there is none."""
        if error.reason == "CURSOR_TOO_OLD" and self._newest is not None:
            # None that came meanwhile is to be missed.
            self._request.newest_lines, self._request.skip_snapshot = _MOST_LINES, False
        return self._cuts.failed(error)


class Watch(Iterator[Step]):
    """What `watch` gives. Iterate it from one thread; `close` ends it, from any."""

    def __init__(self, course: _Course, client: ServiceClient, patience: float) -> None:
        self._call = _Call()
        self._steps = _follow(course, client, patience, self._call)

    def __next__(self) -> Step:
        return next(self._steps)

    def close(self) -> None:
        """End the call at the server; whoever iterates comes to the end."""
        self._call.close()


class _Call:
    """The call that is read now. Apart from the watch, which ends when nobody has it any more."""

    def __init__(self) -> None:
        self.closed = False
        self._answers: Any = None

    def begin(self, answers: Any) -> Iterator[Any]:
        self._answers = answers
        if self.closed:
            answers.cancel()
        return read_apart(answers)

    def close(self) -> None:
        self.closed = True
        if self._answers is not None:
            self._answers.cancel()


def _follow(course: _Course, client: ServiceClient, patience: float, call: _Call) -> Iterator[Step]:
    try:
        while not call.closed:
            yield from course.begins()
            try:
                for response in call.begin(course.method(client.channel)(course.request())):
                    yield from course.steps(response)
                problem = _cut()
            except grpc.RpcError as error:
                problem = from_rpc_error(error, client.target)
            if not call.closed and course.failed(problem):
                client.wait_out(problem, patience)
    except ValueError:  # gRPC's for a channel that was closed
        if not call.closed:
            raise
    finally:
        call.close()


async def _awatch(course: _Course, given: ServiceClient | None, patience: float) -> AsyncIterator[Step]:
    client = await asyncio.to_thread(shared_client) if given is None else given
    async with grpc.aio.insecure_channel(client.dialled, options=options_for(client.target)) as channel:
        while True:
            for step in course.begins():
                yield step
            try:
                async for response in course.method(channel)(course.request()):
                    for step in course.steps(response):
                        yield step
                problem = _cut()
            except grpc.RpcError as error:
                problem = from_rpc_error(error, client.target)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # The library says so where it was the server that cancelled the call.
                problem = _cut()
            if course.failed(problem):
                await asyncio.to_thread(client.wait_out, problem, patience)


def _cut() -> ServerError:
    """A watch has no end of its own."""
    return ServerError("The server ended the watch.", code="CANCELLED")
