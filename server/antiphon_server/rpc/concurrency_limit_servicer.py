"""ConcurrencyLimitService, loaded on demand."""

from typing import Any

from antiphon.v1 import concurrency_limit_pb2, concurrency_limit_service_pb2_grpc
from antiphon.v1 import concurrency_limit_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.lease_storage import LeaseStorage
from antiphon_server.application.leases import ReleaseSlots
from antiphon_server.application.limits import DeleteConcurrencyLimit, ResetConcurrencyLimit
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.rpc.lease_conversions import duration_from, lease_from, lease_message
from antiphon_server.rpc.limit_conversions import create_limit_from, limit_message, update_limit_from
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.slot_calls import SlotCalls
from antiphon_server.rpc.work_reads import WorkReads
from antiphon_server.wire_times import duration_to_micros


class ConcurrencyLimitServicer(concurrency_limit_service_pb2_grpc.ConcurrencyLimitServiceServicer):
    def __init__(self, core: Core, reads: WorkReads, tokens: ResumeTokens, lease_storage: LeaseStorage) -> None:
        self._core = core
        self._reads = reads
        self._tokens = tokens
        self._lease_storage = lease_storage
        self._calls = SlotCalls(core)

    async def CreateConcurrencyLimit(
        self, request: pb.CreateConcurrencyLimitRequest, context: Any
    ) -> pb.CreateConcurrencyLimitResponse:
        return await mutate(
            self._core,
            request,
            create_limit_from(request.concurrency_limit),
            pb.CreateConcurrencyLimitResponse,
            lambda working_set, id: pb.CreateConcurrencyLimitResponse(concurrency_limit=_stored(working_set, id)),
        )

    async def GetConcurrencyLimit(
        self, request: pb.GetConcurrencyLimitRequest, context: Any
    ) -> pb.GetConcurrencyLimitResponse:
        return await self._reads.get_concurrency_limit(request)

    async def ListConcurrencyLimits(
        self, request: pb.ListConcurrencyLimitsRequest, context: Any
    ) -> pb.ListConcurrencyLimitsResponse:
        return await self._reads.list_concurrency_limits(request)

    async def UpdateConcurrencyLimit(
        self, request: pb.UpdateConcurrencyLimitRequest, context: Any
    ) -> pb.UpdateConcurrencyLimitResponse:
        update = update_limit_from(request)
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateConcurrencyLimitResponse,
            lambda working_set, _: pb.UpdateConcurrencyLimitResponse(concurrency_limit=_stored(working_set, update.id)),
        )

    async def DeleteConcurrencyLimit(
        self, request: pb.DeleteConcurrencyLimitRequest, context: Any
    ) -> pb.DeleteConcurrencyLimitResponse:
        return await mutate(
            self._core,
            request,
            DeleteConcurrencyLimit(request.id.lower(), request.etag),
            pb.DeleteConcurrencyLimitResponse,
            lambda *_: pb.DeleteConcurrencyLimitResponse(),
        )

    async def ResetConcurrencyLimit(
        self, request: pb.ResetConcurrencyLimitRequest, context: Any
    ) -> pb.ResetConcurrencyLimitResponse:
        id = request.id.lower()
        return await mutate(
            self._core,
            request,
            ResetConcurrencyLimit(id),
            pb.ResetConcurrencyLimitResponse,
            lambda working_set, _: pb.ResetConcurrencyLimitResponse(concurrency_limit=_stored(working_set, id)),
        )

    async def ListSlots(self, request: pb.ListSlotsRequest, context: Any) -> pb.ListSlotsResponse:
        return await self._reads.list_slots(request)

    async def ListSlotWaiters(self, request: pb.ListSlotWaitersRequest, context: Any) -> pb.ListSlotWaitersResponse:
        return await self._reads.list_slot_waiters(request)

    async def AcquireSlots(self, request: pb.AcquireSlotsRequest, context: Any) -> pb.AcquireSlotsResponse:
        wait = duration_to_micros(request.wait_timeout, "wait_timeout")
        lease = await self._calls.acquire(lease_from(request, self._tokens), wait, must_decay=request.must_decay)
        return pb.AcquireSlotsResponse(lease=lease_message(lease))

    async def RenewSlots(self, request: pb.RenewSlotsRequest, context: Any) -> pb.RenewSlotsResponse:
        lease = await self._lease_storage.renew(request.lease_id.lower(), duration_from(request))
        return pb.RenewSlotsResponse(lease=lease_message(lease))

    async def ReleaseSlots(self, request: pb.ReleaseSlotsRequest, context: Any) -> pb.ReleaseSlotsResponse:
        return await mutate(
            self._core,
            request,
            ReleaseSlots(request.lease_id.lower(), request.acquire_request_id.lower()),
            pb.ReleaseSlotsResponse,
            lambda *_: pb.ReleaseSlotsResponse(),
        )


def _stored(working_set: WorkingSet, id: str) -> concurrency_limit_pb2.ConcurrencyLimit:
    """The limit as readers will see it once this transaction is committed."""
    return limit_message(read_back.concurrency_limit(working_set, id))


def add_to(server: Any, parts: Parts) -> None:
    concurrency_limit_service_pb2_grpc.add_ConcurrencyLimitServiceServicer_to_server(
        ConcurrencyLimitServicer(parts.core, WorkReads(parts.queries), parts.tokens, parts.lease_storage), server
    )
