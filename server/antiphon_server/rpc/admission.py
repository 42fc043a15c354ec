"""Which calls are taken in: each kind has its gate, so that none keeps another out.

What runs depend on is never turned away for the sake of other work: frames, heartbeats and results of commands travel
on streams that are there already, and leases of slots, cancellations and the twin of the stream have a gate of their
own. UNAVAILABLE is what callers are told, and not RESOURCE_EXHAUSTED: AIP-194 has the former alone tried again by
itself, since the latter may be a quota that waiting does not lift; and a call that is turned away has done nothing.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import grpc

from antiphon_server.rpc.budget import Budget
from antiphon_server.rpc.gates import Gate, PacedGate
from antiphon_server.rpc.interceptors import PATIENT_CALLS, Behavior, Handler, Interceptor, abort
from antiphon_server.rpc.status import to_status

#: Calls of each kind, beside reads and writes, that may be under way.
MOST_CONTROL, MOST_PATIENT, MOST_SESSIONS, MOST_UPLOADS, MOST_FOLLOWERS = 1_000, 5_000, 10_000, 10_000, 5_000

#: Bytes of requests that are not answered, and of what waits to be sent on streams.
MOST_INCOMING, MOST_OUTGOING = 256 * 1024 * 1024, 256 * 1024 * 1024

_CONTROL = frozenset(
    f"/antiphon.v1.{name}"
    for name in (
        "AdminService/GetServerInfo",
        "AdminService/ListServices",
        "AdminService/StopServer",
        "ConcurrencyLimitService/ReleaseSlots",
        "ConcurrencyLimitService/RenewSlots",
        "FlowRunService/CancelFlowRun",
        "OperationService/CancelOperation",
        "SessionService/ExchangeFrames",
        "SessionService/OpenSession",
    )
)
_READS = ("Get", "List", "Explain", "Preview")
_STREAMS: Mapping[str, str] = MappingProxyType({"Attach": "sessions", "Work": "sessions", "Upload": "uploads"})


class Gates:
    """Those of one server, and what those within may hold."""

    def __init__(self) -> None:
        gates = (
            PacedGate("writes"),
            PacedGate("reads"),
            Gate("control calls", MOST_CONTROL),
            Gate("waiting calls", MOST_PATIENT),
            Gate("sessions", MOST_SESSIONS),
            Gate("uploads", MOST_UPLOADS),
            Gate("followers", MOST_FOLLOWERS),
        )
        #: Streams of sessions between Hello and Welcome: those of a whole fleet may come at once, after a restart.
        self.arrivals = PacedGate("arrivals of sessions")
        self.incoming = Budget(MOST_INCOMING)
        self.outgoing = Budget(MOST_OUTGOING)
        self._by_name = {gate.name: gate for gate in gates}

    def __iter__(self) -> Iterator[Gate]:
        return iter((*self._by_name.values(), self.arrivals))

    def of(self, method: str, *, streams: bool) -> Gate:
        """The gate of a method, by its full name."""
        return self._by_name[_kind(method, streams)]


def _kind(method: str, streams: bool) -> str:
    name = method.rpartition("/")[2]
    if streams:
        return _STREAMS.get(name, "followers")
    if method in _CONTROL:
        return "control calls"
    if method in PATIENT_CALLS:
        return "waiting calls"
    return "reads" if name.startswith(_READS) else "writes"


class AdmissionInterceptor(Interceptor):
    """The outermost one: a call is turned away before anything is done for it, its message not read, since a server
    that has too much to do must say so at little cost."""

    def __init__(self, gates: Gates) -> None:
        super().__init__()
        self._gates = gates
        #: Of methods that were called before.
        self._doors: dict[str, tuple[Gate, Handler]] = {}

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler | None]], details: grpc.HandlerCallDetails
    ) -> Handler | None:
        door = self._doors.get(details.method)
        if door is not None and door[0].full:
            return door[1]
        return await super().intercept_service(continuation, details)

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        gate, incoming = self._door(method, streams=False), self._gates.incoming

        async def admitted(request: bytes, context: Any) -> Any:
            # The last place may have been taken since the call was let through to here.
            if gate.full or not incoming.fits(len(request)):
                await abort(context, to_status(gate.refuse()))
            with gate.passed(), incoming.held_for(len(request)):
                return await behavior(request, context)

        return admitted

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        gate = self._door(method, streams=True)

        async def admitted(request: Any, context: Any) -> Any:
            if gate.full:
                await abort(context, to_status(gate.refuse()))
            with gate.passed():
                return await behavior(request, context)

        return admitted

    def _door(self, method: str, *, streams: bool) -> Gate:
        gate = self._gates.of(method, streams=streams)
        self._doors[method] = gate, _closed(gate)
        return gate


def _closed(gate: Gate) -> Handler:
    """Turns away calls of any method. As one that reads its requests by itself it is called before there are any."""

    async def refuse(_: Any, context: Any) -> None:
        await abort(context, to_status(gate.refuse()))

    return grpc.stream_unary_rpc_method_handler(refuse)
