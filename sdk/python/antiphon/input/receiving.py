"""Iterators over what a flow run is told. They wait at the server, which answers the moment something comes."""

import math
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Generic, TypeVar
from uuid import UUID

from antiphon.engine.drivers import adrive, drive
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.server_calls import wait_at_server
from antiphon.exceptions import ServerError
from antiphon.input.actions import FlowRunInput, ensure_flow_run_id, input_from
from antiphon.v1 import flow_run_input_pb2
from antiphon.v1.flow_run_service_pb2 import ReceiveFlowRunInputsRequest, ReceiveFlowRunInputsResponse

__all__ = ["GetAutomaticInputHandler", "GetInputHandler"]

R = TypeVar("R")

#: Seconds that the server waits with a call, at most.
_LONGEST_WAIT = 86_400.0


class GetInputHandler(Generic[R]):
    """Iterates, by `for` or `async for`, over what a flow run is told under keys that begin with `key_prefix`: what it
    was told before first, each input once, except those in `exclude_keys`."""

    def __init__(
        self,
        run_input_cls: Any,
        key_prefix: str,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: AbstractSet[str] | None = None,
        flow_run_id: UUID | str | None = None,
    ) -> None:
        """`timeout` in seconds is how long each input is waited for; None waits for ever. When it is over the iteration
        ends, or raises TimeoutError with `raise_timeout_error`. `poll_interval` has no effect, since nobody polls."""
        self.run_input_cls = run_input_cls
        self.key_prefix = key_prefix
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.raise_timeout_error = raise_timeout_error
        #: Keys of what is passed over, and of what was given.
        self.exclude_keys = set(exclude_keys or ())
        self.flow_run_id = ensure_flow_run_id(flow_run_id)
        self._after = 0
        self._arrived: deque[flow_run_input_pb2.FlowRunInput] = deque()

    def __iter__(self) -> Iterator[R]:
        return self

    def __aiter__(self) -> AsyncIterator[R]:
        return self

    def __next__(self) -> R:
        found = drive(self._next(), None)
        if found is None:
            self._raise_if_wanted()
            raise StopIteration
        return self.to_instance(found)

    async def __anext__(self) -> R:
        found = await adrive(self._next(), None)
        if found is None:
            self._raise_if_wanted()
            raise StopAsyncIteration
        return self.to_instance(found)

    @dual
    def next(self) -> Work[R]:
        """Wait for the next input and return it. Raises TimeoutError where none comes in time. Where an event loop runs
        this gives a coroutine."""
        found = yield from self._next()
        if found is None:
            raise self._timed_out()
        return self.to_instance(found)

    anext = awaitable(next)

    def to_instance(self, flow_run_input: FlowRunInput) -> R:
        """Return what is iterated over. Raises Pydantic's ValidationError for an input that does not fit the type."""
        instance: R = self.run_input_cls.load_from_flow_run_input(flow_run_input)
        return instance

    def _next(self) -> Work[FlowRunInput | None]:
        """None where the time is over."""
        end = math.inf if self.timeout is None else time.monotonic() + self.timeout
        while True:
            while self._arrived:
                message = self._arrived.popleft()
                self._after = message.sequence
                if message.key not in self.exclude_keys:
                    self.exclude_keys.add(message.key)
                    return input_from(message)
            left = max(end - time.monotonic(), 0.0)
            self._arrived.extend((yield from self._received(min(left, _LONGEST_WAIT))))
            if not self._arrived and time.monotonic() >= end:
                return None

    def _received(self, wait: float) -> Work[list[flow_run_input_pb2.FlowRunInput]]:
        request = ReceiveFlowRunInputsRequest(
            flow_run_id=str(self.flow_run_id), key_prefix=self.key_prefix, after_sequence=self._after
        )
        request.wait_timeout.FromMicroseconds(round(wait * 1e6))
        try:
            answer = yield from wait_at_server(
                lambda client: client.flow_runs.ReceiveFlowRunInputs, request, ReceiveFlowRunInputsResponse, wait
            )
        except ServerError as error:
            if error.code == "DEADLINE_EXCEEDED":  # and the server was away
                return []
            raise
        return list(answer.flow_run_inputs)

    def _raise_if_wanted(self) -> None:
        if self.raise_timeout_error:
            raise self._timed_out()

    def _timed_out(self) -> TimeoutError:
        return TimeoutError(
            f"Timed out waiting for input: within {self.timeout} second(s) flow run {self.flow_run_id} was told "
            f"nothing more under keys that begin with {self.key_prefix!r}."
        )


class GetAutomaticInputHandler(GetInputHandler[R]):
    """The same for inputs that are no models: gives the bare values, or with `with_metadata` the models around them."""

    def __init__(
        self,
        run_input_cls: Any,
        key_prefix: str,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: AbstractSet[str] | None = None,
        flow_run_id: UUID | str | None = None,
        with_metadata: bool = False,
    ) -> None:
        super().__init__(
            run_input_cls, key_prefix, timeout, poll_interval, raise_timeout_error, exclude_keys, flow_run_id
        )
        self.with_metadata = with_metadata

    def to_instance(self, flow_run_input: FlowRunInput) -> R:
        """Return the value, or the AutomaticRunInput. Raises as `GetInputHandler.to_instance`."""
        instance = super().to_instance(flow_run_input)
        return instance if self.with_metadata else instance.value  # type: ignore[attr-defined]
