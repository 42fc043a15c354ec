"""Concurrency limits by name, with who holds their slots and who waits for them."""

from dataclasses import dataclass

from antiphon.service_client import ServiceClient
from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit, Slot, SlotWaiter
from antiphon.v1.concurrency_limit_service_pb2 import (
    DeleteConcurrencyLimitRequest,
    GetConcurrencyLimitRequest,
    GetConcurrencyLimitResponse,
    ListConcurrencyLimitsRequest,
    ListSlotsRequest,
    ListSlotWaitersRequest,
)

#: The contract's int32 ends there.
MOST_SLOTS = 2**31 - 1


@dataclass(frozen=True)
class LimitInUse:
    """A limit, its holders (the oldest first) and its waiters (in the order in which they are served)."""

    limit: ConcurrencyLimit
    slots: list[Slot]
    waiters: list[SlotWaiter]


def get_limit(client: ServiceClient, name: str) -> ConcurrencyLimit:
    """The limit of that name. Raises ObjectNotFound, or what `ServiceClient.call` raises."""
    request = GetConcurrencyLimitRequest(name=name)
    response: GetConcurrencyLimitResponse = client.call(client.concurrency_limits.GetConcurrencyLimit, request)
    return response.concurrency_limit


def list_limits(client: ServiceClient, filter_text: str, most: int) -> list[ConcurrencyLimit]:
    """The limits that fit, by name."""
    request = ListConcurrencyLimitsRequest(filter=filter_text, order_by="name")
    method = client.concurrency_limits.ListConcurrencyLimits
    return list(client.pages(method, request, "concurrency_limits", limit=most))


def get_limit_in_use(client: ServiceClient, name: str) -> LimitInUse:
    """The limit of that name and all around it. Raises as `get_limit`."""
    limit, stub = get_limit(client, name), client.concurrency_limits
    return LimitInUse(
        limit,
        list(client.pages(stub.ListSlots, ListSlotsRequest(id=limit.id), "slots")),
        list(client.pages(stub.ListSlotWaiters, ListSlotWaitersRequest(id=limit.id), "slot_waiters")),
    )


def delete_limit(client: ServiceClient, limit: ConcurrencyLimit) -> None:
    """Raises what `ServiceClient.call` raises."""
    client.call(client.concurrency_limits.DeleteConcurrencyLimit, DeleteConcurrencyLimitRequest(id=limit.id))
