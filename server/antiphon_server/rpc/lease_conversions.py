"""Leases of slots: messages to what is asked for, and leases to messages."""

from uuid_utils import uuid7

from antiphon.v1 import concurrency_limit_pb2 as pb
from antiphon.v1 import concurrency_limit_service_pb2 as service_pb
from antiphon_server.application.proposals import digest_of
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.domain.leases import Lease
from antiphon_server.wire_times import duration_to_micros, micros_to_timestamp

#: Microseconds that a lease lasts where nothing is said.
DURATION = 300_000_000


def lease_message(lease: Lease) -> pb.SlotLease:
    expires = lease.given_until
    assert expires is not None, f"lease {lease.id} was not given"
    return pb.SlotLease(id=lease.id, names=lease.names, slots=lease.slots, expire_time=micros_to_timestamp(expires))


def lease_from(request: service_pb.AcquireSlotsRequest, tokens: ResumeTokens) -> Lease:
    """What is asked for. Raises Unauthenticated (RESUME_TOKEN_INVALID)."""
    return Lease(
        id=str(uuid7()),
        names=tuple(request.names),
        slots=request.slots or 1,
        priority=request.priority,
        strict=request.strict,
        holder=request.holder,
        session_id=tokens.session_id(request.resume_token) if request.resume_token else None,
        request_id=request.request_id.lower() or None,
        digest=digest_of(request.SerializeToString(deterministic=True)),
        duration=duration_from(request) or DURATION,
    )


def duration_from(request: service_pb.AcquireSlotsRequest | service_pb.RenewSlotsRequest) -> int | None:
    """How long a lease is to last, in microseconds; None where nothing is said."""
    if not request.HasField("lease_duration"):
        return None
    return duration_to_micros(request.lease_duration, "lease_duration")
