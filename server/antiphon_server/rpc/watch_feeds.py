"""The kinds of things that WatchService follows: how each is listed, read and told."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.v1 import watch_service_pb2 as pb
from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from antiphon_server.application.queries import Queries
from antiphon_server.rpc.change_log import Watched
from antiphon_server.rpc.deployment_conversions import deployment_message
from antiphon_server.rpc.read_conversions import flow_run_message, log_message, task_run_message
from antiphon_server.rpc.worker_conversions import worker_message


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of thing that can be followed."""

    kind: Watched
    listing: Listing
    #: The column that says which flow run a thing belongs to; empty where there is none.
    flow_run_column: str
    response: Callable[..., Any]
    #: The field of the response for a thing.
    field: str
    #: Rows to messages, in the same order.
    messages: Callable[[Sequence[Any]], Awaitable[list[Any]]]
    #: Whether each thing is told once and never changes.
    once: bool = False


class Feeds:
    """Those of one server."""

    def __init__(self, queries: Queries, ttl: int) -> None:
        """`ttl`: microseconds after which a session is lost that was not heard of."""

        async def deployments(rows: Sequence[Any]) -> list[Any]:
            schedules = await queries.schedules_of([row.id for row in rows])
            return [deployment_message(row, schedules[row.id]) for row in rows]

        self.flow_runs = Feed(
            Watched.FLOW_RUN,
            listings.FLOW_RUNS,
            "id",
            pb.WatchFlowRunsResponse,
            "flow_run",
            _each(flow_run_message),
        )
        self.task_runs = Feed(
            Watched.TASK_RUN,
            listings.TASK_RUNS,
            "flow_run_id",
            pb.WatchServiceWatchTaskRunsResponse,
            "task_run",
            _each(task_run_message),
        )
        self.logs = Feed(
            Watched.LOG, listings.LOGS, "flow_run_id", pb.WatchLogsResponse, "log", _each(log_message), once=True
        )
        self.deployments = Feed(
            Watched.DEPLOYMENT, listings.DEPLOYMENTS, "", pb.WatchDeploymentsResponse, "deployment", deployments
        )
        self.workers = Feed(
            Watched.WORKER,
            listings.WORKERS,
            "",
            pb.WatchWorkersResponse,
            "worker",
            _each(lambda row: worker_message(row, ttl)),
        )


def _each(message_of: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Awaitable[list[Any]]]:
    async def messages(rows: Sequence[Any]) -> list[Any]:
        return [message_of(row) for row in rows]

    return messages
