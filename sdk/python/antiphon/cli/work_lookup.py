"""Work pools and queues by name, who holds their slots, and the runs that wait in them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from antiphon.cli.limit_lookup import LimitInUse, get_limit_in_use
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest
from antiphon.v1.work_pool_pb2 import WorkPool, WorkQueue
from antiphon.v1.work_pool_service_pb2 import (
    GetWorkPoolRequest,
    GetWorkPoolResponse,
    GetWorkQueueRequest,
    GetWorkQueueResponse,
    ListWorkQueuesRequest,
    WorkQueueName,
)

#: Queues that are named in one filter.
_CHUNK = 100


class AmbiguousQueue(AntiphonException):
    """Queues of several pools have this name."""


class NotLimited(AntiphonException):
    """The slots were asked for of something that has no limit."""


def find_pool(client: ServiceClient, name: str) -> WorkPool:
    """Raises ObjectNotFound, which says what to do, or what `ServiceClient.call` raises."""
    try:
        response: GetWorkPoolResponse = client.call(client.work_pools.GetWorkPool, GetWorkPoolRequest(name=name))
    except ObjectNotFound as error:
        raise error.in_other_words(
            f"There is no work pool {name!r}. `antiphon work-pool ls` has those there are, and `antiphon work-pool"
            " create` makes one."
        ) from error
    return response.work_pool


def find_queue(client: ServiceClient, name: str, pool: str | None) -> WorkQueue:
    """The queue of that name, for None of the only pool that has one of that name.

    Raises ObjectNotFound, AmbiguousQueue, or what `ServiceClient.call` raises.
    """
    if pool is not None:
        find_pool(client, pool)
        request = GetWorkQueueRequest(name=WorkQueueName(work_pool_name=pool, name=name))
        try:
            response: GetWorkQueueResponse = client.call(client.work_pools.GetWorkQueue, request)
        except ObjectNotFound as error:
            raise _no_queue(name, f"The work pool {pool!r} has no queue {name!r}") from error
        return response.work_queue
    found = list_queues(client, f"name = {quote(name)}")
    if len(found) == 1:
        return found[0]
    if not found:
        raise _no_queue(name, f"There is no work queue {name!r}")
    pools = ", ".join(each.work_pool_name for each in found)
    raise AmbiguousQueue(f"Several work pools have a queue {name!r}: {pools}. Say which with --pool.")


def _no_queue(name: str, what: str) -> ObjectNotFound:
    return ObjectNotFound(
        f"{what}. `antiphon work-queue ls` has those there are, and `antiphon work-queue create {name} --pool POOL`"
        " makes one.",
        code="NOT_FOUND",
    )


def list_queues(client: ServiceClient, filter_text: str, limit: int | None = None) -> list[WorkQueue]:
    """The queues that fit, by the order in which they are served."""
    request = ListWorkQueuesRequest(filter=filter_text, order_by="priority")
    return list(client.pages(client.work_pools.ListWorkQueues, request, "work_queues", limit=limit))


def queues_of(client: ServiceClient, pool: WorkPool) -> list[WorkQueue]:
    """The queues of a pool, by the order in which they are served."""
    return list_queues(client, f'work_pool_id = "{pool.id}"')


def scheduled_runs(
    client: ServiceClient, queues: Sequence[WorkQueue], hours: float | None, limit: int
) -> list[FlowRun]:
    """The runs that wait in these queues and start within so many hours, for None at any time; the next one first."""
    when = ""
    if hours is not None:
        end = datetime.now(UTC) + timedelta(hours=hours)
        when = f' AND next_scheduled_start_time < "{end.isoformat()}"'
    found: list[FlowRun] = []
    for start in range(0, len(queues), _CHUNK):
        any_of = " OR ".join(f'work_queue_id = "{queue.id}"' for queue in queues[start : start + _CHUNK])
        request = ListFlowRunsRequest(
            filter=f"state.type = SCHEDULED AND ({any_of}){when}", order_by="next_scheduled_start_time"
        )
        found += client.pages(client.flow_runs.ListFlowRuns, request, "flow_runs", limit=limit)
    return sorted(found, key=lambda run: run.next_scheduled_start_time.ToNanoseconds())[:limit]


def slots_of(client: ServiceClient, kind: str, limited: WorkPool | WorkQueue) -> LimitInUse:
    """Who holds its slots, and who waits for one. `kind` is how its limit is called: `work-pool` or `work-queue`.

    Raises NotLimited.
    """
    if not limited.HasField("concurrency_limit"):
        raise NotLimited(
            f"The {kind.replace('-', ' ')} {limited.name} has no limit, so there are no slots. Set one with `antiphon"
            f" {kind} set-concurrency-limit {limited.name} LIMIT`."
        )
    return get_limit_in_use(client, f"{kind}:{limited.id}")
