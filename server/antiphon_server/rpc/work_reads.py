"""The reading RPCs of limits, work pools and work queues. Errors are those of `Queries`, which says
them."""

from antiphon.v1 import concurrency_limit_service_pb2 as limits_pb
from antiphon.v1 import work_pool_service_pb2 as pools_pb
from antiphon_server.application import listings
from antiphon_server.application.queries import PageRequest, Queries
from antiphon_server.rpc.limit_conversions import limit_message, slot_message, slot_waiter_message
from antiphon_server.rpc.reads import listed
from antiphon_server.rpc.work_pool_conversions import work_pool_message, work_queue_message


class WorkReads:
    """One method for each RPC that reads, for servicers to delegate to."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def get_concurrency_limit(
        self, request: limits_pb.GetConcurrencyLimitRequest
    ) -> limits_pb.GetConcurrencyLimitResponse:
        row = await self._queries.concurrency_limit(request.id, name=request.name)
        return limits_pb.GetConcurrencyLimitResponse(concurrency_limit=limit_message(row))

    async def list_concurrency_limits(
        self, request: limits_pb.ListConcurrencyLimitsRequest
    ) -> limits_pb.ListConcurrencyLimitsResponse:
        page = await listed(self._queries, listings.CONCURRENCY_LIMITS, request)
        return limits_pb.ListConcurrencyLimitsResponse(
            concurrency_limits=map(limit_message, page.rows), next_page_token=page.next_page_token
        )

    async def list_slots(self, request: limits_pb.ListSlotsRequest) -> limits_pb.ListSlotsResponse:
        limit = await self._queries.concurrency_limit(request.id, name=request.name)
        page = await self._queries.slots(limit, PageRequest(request.page_size, request.page_token))
        return limits_pb.ListSlotsResponse(slots=map(slot_message, page.rows), next_page_token=page.next_page_token)

    async def list_slot_waiters(self, request: limits_pb.ListSlotWaitersRequest) -> limits_pb.ListSlotWaitersResponse:
        limit = await self._queries.concurrency_limit(request.id, name=request.name)
        page = await self._queries.slot_waiters(limit, PageRequest(request.page_size, request.page_token))
        return limits_pb.ListSlotWaitersResponse(
            slot_waiters=map(slot_waiter_message, page.rows), next_page_token=page.next_page_token
        )

    async def get_work_pool(self, request: pools_pb.GetWorkPoolRequest) -> pools_pb.GetWorkPoolResponse:
        row = await self._queries.work_pool(request.id, name=request.name)
        return pools_pb.GetWorkPoolResponse(work_pool=work_pool_message(row))

    async def list_work_pools(self, request: pools_pb.ListWorkPoolsRequest) -> pools_pb.ListWorkPoolsResponse:
        page = await listed(self._queries, listings.WORK_POOLS, request)
        return pools_pb.ListWorkPoolsResponse(
            work_pools=map(work_pool_message, page.rows), next_page_token=page.next_page_token
        )

    async def get_work_queue(self, request: pools_pb.GetWorkQueueRequest) -> pools_pb.GetWorkQueueResponse:
        pool = request.name.work_pool_name
        row = await self._queries.work_queue(request.id, name=request.name.name, work_pool_name=pool)
        return pools_pb.GetWorkQueueResponse(work_queue=work_queue_message(row))

    async def list_work_queues(self, request: pools_pb.ListWorkQueuesRequest) -> pools_pb.ListWorkQueuesResponse:
        page = await listed(self._queries, listings.WORK_QUEUES, request)
        return pools_pb.ListWorkQueuesResponse(
            work_queues=map(work_queue_message, page.rows), next_page_token=page.next_page_token
        )
