"""What every call goes through, from the outside in: logging, errors, deadline, validation."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2

from antiphon_server.domain.errors import AntiphonError, DeadlineExceeded, Internal, InvalidArgument
from antiphon_server.rpc.call_facts import Call, current, note_request
from antiphon_server.rpc.status import DETAILS_KEY, GRPC_CODES, code_of, to_status
from antiphon_server.rpc.validation import check

logger = logging.getLogger("antiphon_server.rpc")

Behavior = Callable[[Any, Any], Awaitable[Any]]
Handler = Any

#: A unary call that its caller does not bound ends after this many seconds.
LONGEST_CALL = 60.0
#: But for those that are told how long to wait: at most a day.
PATIENT_CALLS = dict.fromkeys(
    (
        "/antiphon.v1.ConcurrencyLimitService/AcquireSlots",
        "/antiphon.v1.FlowRunService/AwaitFlowRun",
        "/antiphon.v1.FlowRunService/ReceiveFlowRunInputs",
    ),
    24 * 3600 + LONGEST_CALL,
)

#: Seconds that the end of a call is waited for: more only where its client does not read.
UNREAD = 5.0


class Interceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps each method once. Methods are coroutines; those that stream read an iterator and write to the context."""

    def __init__(self) -> None:
        self._wrapped: dict[str, Handler] = {}

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        return behavior

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        return behavior

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler | None]], details: grpc.HandlerCallDetails
    ) -> Handler | None:
        method = details.method
        if method not in self._wrapped:
            handler = await continuation(details)
            # Of what there is not nothing is remembered, since anybody can make up names.
            if handler is None or not method.startswith("/antiphon."):
                return handler
            self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Handler) -> Handler:
        codec = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self.unary(method, handler.unary_unary), **codec)
        if handler.unary_stream is not None:
            behavior = self.stream(method, handler.unary_stream, requests=False)
            return grpc.unary_stream_rpc_method_handler(behavior, **codec)
        behavior = self.stream(method, handler.stream_stream, requests=True)
        return grpc.stream_stream_rpc_method_handler(behavior, **codec)


class Activity:
    """How many calls are under way, and since when there is none; an idle embedded server leaves by it."""

    def __init__(self) -> None:
        self.calls = 0
        self.quiet_since = time.monotonic()
        #: Set while no call is under way.
        self.quiet = asyncio.Event()
        self.quiet.set()

    def __enter__(self) -> None:
        self.calls += 1
        self.quiet.clear()

    def __exit__(self, *_: object) -> None:
        self.calls -= 1
        self.quiet_since = time.monotonic()
        if not self.calls:
            self.quiet.set()


class LoggingInterceptor(Interceptor):
    """One line a call, with its duration and how it ended."""

    def __init__(self, activity: Activity) -> None:
        super().__init__()
        self._activity = activity

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        async def logged(request: Any, context: Any) -> Any:
            start = time.monotonic()
            current.set(Call(method, context))  # Each call runs in a context of its own.
            with self._activity:
                try:
                    return await behavior(request, context)
                finally:
                    if logger.isEnabledFor(logging.DEBUG):
                        took = (time.monotonic() - start) * 1e3
                        said = {"method": method, "code": code_of(context).name, "milliseconds": took}
                        logger.debug("%(method)s %(code)s in %(milliseconds).1f ms", said)

        return logged

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        return self.unary(method, behavior)


class ErrorInterceptor(Interceptor):
    """Turns what goes wrong into a status; a bug is INTERNAL, logged in full and told without its insides."""

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        async def answered(request: Any, context: Any) -> Any:
            try:
                return await behavior(request, context)
            except AntiphonError as error:
                await abort(context, to_status(error))
            except (asyncio.CancelledError, grpc.aio.AbortError):
                raise
            except Exception:
                logger.exception("%s failed", method)
                await abort(
                    context, to_status(Internal("INTERNAL", f"{method} failed by a bug of the server; see its log"))
                )

        return answered

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        return self.unary(method, behavior)


class DeadlineInterceptor(Interceptor):
    """Ends a unary call when its caller's patience does, and bounds those that know none."""

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        async def bounded(request: Any, context: Any) -> Any:
            left, longest = context.time_remaining(), PATIENT_CALLS.get(method, LONGEST_CALL)
            seconds = longest if left is None else min(left, longest)
            try:
                async with asyncio.timeout(seconds):
                    return await behavior(request, context)
            except TimeoutError:
                raise DeadlineExceeded(
                    "DEADLINE_EXCEEDED",
                    f"{method} had no answer in {seconds:.3g} s. What it asked for may still happen: ask again with "
                    "the same request_id or transition_id and it happens once",
                ) from None

        return bounded


class ValidationInterceptor(Interceptor):
    """Decodes requests and checks the contract's field rules. Session streams check their frames and lines one by one
    instead, so that a wrong one does not end them.

    Requests come this far as bytes, since the library would answer those that are no message with UNKNOWN.
    """

    ITEMWISE = frozenset(f"/antiphon.v1.SessionService/{name}" for name in ("Attach", "ExchangeFrames", "Upload"))

    def _wrap(self, method: str, handler: Handler) -> Handler:
        def read(data: bytes) -> Any:
            try:
                request = handler.request_deserializer(data)
            except DecodeError as error:
                raise InvalidArgument("MESSAGE_INVALID", f"the request of {method} cannot be read: {error}") from None
            note_request(request)
            if method not in self.ITEMWISE:
                check(request)
            return request

        serializer = handler.response_serializer
        if handler.request_streaming:

            async def stream(requests: AsyncIterator[bytes], context: Any) -> Any:
                return await handler.stream_stream(_each(read, requests), context)

            return grpc.stream_stream_rpc_method_handler(stream, response_serializer=serializer)
        behavior = handler.unary_stream if handler.response_streaming else handler.unary_unary

        async def unary(request: bytes, context: Any) -> Any:
            return await behavior(read(request), context)

        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(unary, response_serializer=serializer)
        return grpc.unary_unary_rpc_method_handler(unary, response_serializer=serializer)


async def _each(read: Callable[[bytes], Any], requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for request in requests:
        yield read(request)


async def abort(context: Any, status: status_pb2.Status) -> None:
    """Ends the call with `status` in full in its trailers."""
    code = GRPC_CODES.get(status.code, GRPC_CODES[code_pb2.UNKNOWN])
    try:
        async with asyncio.timeout(UNREAD):
            await context.abort(code, status.message, trailing_metadata=((DETAILS_KEY, status.SerializeToString()),))
    except TimeoutError:
        # The client does not read. The status waits for it behind what was sent before; we do not.
        raise asyncio.CancelledError from None
