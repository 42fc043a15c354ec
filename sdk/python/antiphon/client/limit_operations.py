"""Limits of tags, and limits by name."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from antiphon.client import listings
from antiphon.client.conversions.values import uuid_text
from antiphon.client.conversions.work import TAG_PREFIX, global_limit_from, tag_limit_from
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import read_all
from antiphon.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from antiphon.client.schemas.objects import ConcurrencyLeaseHolder, ConcurrencyLimit
from antiphon.client.schemas.responses import (
    ConcurrencyLimitWithLeaseResponse,
    GlobalConcurrencyLimitResponse,
    MinimalConcurrencyLimitResponse,
)
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound
from antiphon.v1 import concurrency_limit_pb2
from antiphon.v1.concurrency_limit_service_pb2 import (
    AcquireSlotsRequest,
    AcquireSlotsResponse,
    CreateConcurrencyLimitRequest,
    CreateConcurrencyLimitResponse,
    DeleteConcurrencyLimitRequest,
    DeleteConcurrencyLimitResponse,
    GetConcurrencyLimitRequest,
    GetConcurrencyLimitResponse,
    ListSlotsRequest,
    ListSlotsResponse,
    ReleaseSlotsRequest,
    ReleaseSlotsResponse,
    RenewSlotsRequest,
    RenewSlotsResponse,
    ResetConcurrencyLimitRequest,
    ResetConcurrencyLimitResponse,
    UpdateConcurrencyLimitRequest,
    UpdateConcurrencyLimitResponse,
)

__all__ = ["LimitOperations"]

#: Limits that come and go with a deployment, a pool or a queue, and those of tags, have no name that people gave.
_NOT_GLOBAL = 'NOT (name = "tag:*" OR name = "deployment:*" OR name = "work-pool:*" OR name = "work-queue:*")'


class LimitOperations(ClientBase):
    """Bounds on how much happens at once: of task runs with a tag, and of whoever asks for slots by a name."""

    @operation
    def create_concurrency_limit(self, tag: str, concurrency_limit: int) -> Work[UUID]:
        """Bound the task runs with this tag, and return the limit's id. One that is there is changed to this."""
        name = f"{TAG_PREFIX}{tag}"
        return (yield from _create(self, concurrency_limit_pb2.ConcurrencyLimit(name=name, limit=concurrency_limit)))

    @operation
    def read_concurrency_limit_by_tag(self, tag: str) -> Work[ConcurrencyLimit]:
        """Return the limit of a tag. Raises ObjectNotFound."""
        found = yield from _find(self, f"{TAG_PREFIX}{tag}")
        return (yield from _with_holders(self, found))

    @operation
    def read_concurrency_limits(self, limit: int | None = None, offset: int = 0) -> Work[list[ConcurrencyLimit]]:
        """Return the limits of tags, newest first; at most `limit` (None is 200) behind `offset`."""
        page = listings.list_messages(self, listings.LIMITS, f'name = "{TAG_PREFIX}*"', limit=limit, offset=offset)
        limits: list[ConcurrencyLimit] = []
        for each in (yield from page):
            limits.append((yield from _with_holders(self, each)))
        return limits

    @operation
    def reset_concurrency_limit_by_tag(self, tag: str) -> Work[None]:
        """Free all slots of a tag's limit; runs that held one go on without. Raises ObjectNotFound."""
        found = yield from _find(self, f"{TAG_PREFIX}{tag}")
        request = ResetConcurrencyLimitRequest(id=found.id)
        yield from self.call(
            lambda services: services.concurrency_limits.ResetConcurrencyLimit, request, ResetConcurrencyLimitResponse
        )

    @operation
    def delete_concurrency_limit_by_tag(self, tag: str) -> Work[None]:
        """Bound the task runs with this tag no more. Raises ObjectNotFound."""
        yield from _delete(self, f"{TAG_PREFIX}{tag}")

    @operation
    def create_global_concurrency_limit(self, concurrency_limit: GlobalConcurrencyLimitCreate) -> Work[UUID]:
        """Make a limit, and return its id. Raises ObjectAlreadyExists; ServerError for a reserved name."""
        message = concurrency_limit_pb2.ConcurrencyLimit(**concurrency_limit.model_dump())
        request = CreateConcurrencyLimitRequest(concurrency_limit=message)
        answer = yield from self.call(
            lambda services: services.concurrency_limits.CreateConcurrencyLimit, request, CreateConcurrencyLimitResponse
        )
        return UUID(answer.concurrency_limit.id)

    @operation
    def update_global_concurrency_limit(self, name: str, concurrency_limit: GlobalConcurrencyLimitUpdate) -> Work[None]:
        """Change what was given to `GlobalConcurrencyLimitUpdate`. Raises ObjectNotFound."""
        found = yield from _find(self, name)
        yield from _update(self, found, concurrency_limit.model_dump(exclude_none=True))

    @operation
    def upsert_global_concurrency_limit_by_name(
        self, name: str, limit: int, slot_decay_per_second: float | None = None
    ) -> Work[None]:
        """Make a limit, or change the one of this name; a decay of None stays as it is."""
        message = concurrency_limit_pb2.ConcurrencyLimit(
            name=name, limit=limit, slot_decay_per_second=slot_decay_per_second or 0.0
        )
        yield from _create(self, message, *(() if slot_decay_per_second is None else ("slot_decay_per_second",)))

    @operation
    def read_global_concurrency_limit_by_name(self, name: str) -> Work[GlobalConcurrencyLimitResponse]:
        """Return a limit. Raises ObjectNotFound."""
        return global_limit_from((yield from _find(self, name)))

    @operation
    def read_global_concurrency_limits(
        self, limit: int = 10, offset: int = 0
    ) -> Work[list[GlobalConcurrencyLimitResponse]]:
        """Return the limits that people named, newest first; at most `limit` behind `offset`."""
        page = listings.list_messages(self, listings.LIMITS, _NOT_GLOBAL, limit=limit, offset=offset)
        return list(map(global_limit_from, (yield from page)))

    @operation
    def delete_global_concurrency_limit_by_name(self, name: str) -> Work[None]:
        """Delete a limit; its slots are gone, and their holders go on. Raises ObjectNotFound."""
        yield from _delete(self, name)

    @operation
    def increment_concurrency_slots_with_lease(
        self,
        names: Sequence[str],
        slots: int,
        mode: Literal["concurrency", "rate_limit"] = "concurrency",
        lease_duration: float = 300.0,
        holder: ConcurrencyLeaseHolder | None = None,
    ) -> Work[ConcurrencyLimitWithLeaseResponse]:
        """Take slots of several limits, of all or of none, for `lease_duration` seconds; return their lease.

        It does not wait: where a slot is missing it raises ServerError (reason NO_SLOT_FREE). A name without a limit
        bounds nothing. `mode` says how they will be used: slots of a rate limit are not given back but decay.
        """
        request = AcquireSlotsRequest(names=names, slots=slots)
        request.lease_duration.FromTimedelta(timedelta(seconds=lease_duration))
        if holder is not None:
            request.holder = f"{holder.type} {holder.id}"
        answer = yield from self.call(
            lambda services: services.concurrency_limits.AcquireSlots, request, AcquireSlotsResponse
        )
        found = yield from listings.list_messages(self, listings.LIMITS, equals("name", names), limit=len(names))
        limits = [MinimalConcurrencyLimitResponse(id=UUID(each.id), name=each.name, limit=each.limit) for each in found]
        return ConcurrencyLimitWithLeaseResponse(lease_id=UUID(answer.lease.id), limits=limits)

    @operation
    def renew_concurrency_lease(self, lease_id: UUID | str, lease_duration: float) -> Work[None]:
        """Have a lease last for so many seconds from now. Raises ObjectNotFound for one that has ended: somebody else
        may have the slots."""
        request = RenewSlotsRequest(lease_id=uuid_text(lease_id, "lease_id"))
        request.lease_duration.FromTimedelta(timedelta(seconds=lease_duration))
        yield from self.call(lambda services: services.concurrency_limits.RenewSlots, request, RenewSlotsResponse)

    @operation
    def release_concurrency_slots_with_lease(self, lease_id: UUID | str) -> Work[None]:
        """End a lease and give its slots back. One that has ended is no error."""
        request = ReleaseSlotsRequest(lease_id=uuid_text(lease_id, "lease_id"))
        yield from self.call(lambda services: services.concurrency_limits.ReleaseSlots, request, ReleaseSlotsResponse)


def _find(client: ClientBase, name: str) -> Work[concurrency_limit_pb2.ConcurrencyLimit]:
    request = GetConcurrencyLimitRequest(name=name)
    answer = yield from client.call(
        lambda services: services.concurrency_limits.GetConcurrencyLimit, request, GetConcurrencyLimitResponse
    )
    return answer.concurrency_limit


def _create(client: ClientBase, message: concurrency_limit_pb2.ConcurrencyLimit, *also: str) -> Work[UUID]:
    """Makes a limit, or gives the one of that name the new bound and the fields in `also`."""
    request = CreateConcurrencyLimitRequest(concurrency_limit=message)
    try:
        answer = yield from client.call(
            lambda services: services.concurrency_limits.CreateConcurrencyLimit, request, CreateConcurrencyLimitResponse
        )
        return UUID(answer.concurrency_limit.id)
    except ObjectAlreadyExists as error:
        try:
            found = yield from _find(client, message.name)
        except ObjectNotFound:
            raise error from None
        yield from _update(client, found, {path: getattr(message, path) for path in ("limit", *also)})
        return UUID(found.id)


def _update(client: ClientBase, found: concurrency_limit_pb2.ConcurrencyLimit, values: dict[str, Any]) -> Work[None]:
    if not values:
        return
    message = concurrency_limit_pb2.ConcurrencyLimit(**{"id": found.id, "name": found.name, **values})
    request = UpdateConcurrencyLimitRequest(concurrency_limit=message, update_mask={"paths": list(values)})
    yield from client.call(
        lambda services: services.concurrency_limits.UpdateConcurrencyLimit, request, UpdateConcurrencyLimitResponse
    )


def _delete(client: ClientBase, name: str) -> Work[None]:
    found = yield from _find(client, name)
    request = DeleteConcurrencyLimitRequest(id=found.id)
    yield from client.call(
        lambda services: services.concurrency_limits.DeleteConcurrencyLimit, request, DeleteConcurrencyLimitResponse
    )


def _with_holders(client: ClientBase, limit: concurrency_limit_pb2.ConcurrencyLimit) -> Work[ConcurrencyLimit]:
    slots = yield from read_all(
        client,
        lambda services: services.concurrency_limits.ListSlots,
        ListSlotsRequest(id=limit.id),
        ListSlotsResponse,
        "slots",
    )
    return tag_limit_from(limit, [each.holder_id for each in slots])
