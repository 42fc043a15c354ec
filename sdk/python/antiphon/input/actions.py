"""Inputs of flow runs as the server keeps them: JSON under a key.

Each function serves sync and async code: where an event loop runs it gives a coroutine. Its twin with an `a` before the
name always does. Without a `flow_run_id` they are about the run that the calling code is part of.
"""

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from antiphon.context import FlowRunContext
from antiphon.engine.dual import Work, awaitable, dual, work_of
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import MissingContextError, ObjectNotFound, SerializationError
from antiphon.payloads import JSON, encoding_of, make_payload
from antiphon.v1 import flow_run_input_pb2
from antiphon.v1.flow_run_service_pb2 import (
    CreateFlowRunInputRequest,
    CreateFlowRunInputResponse,
    DeleteFlowRunInputRequest,
    DeleteFlowRunInputResponse,
    GetFlowRunInputRequest,
    GetFlowRunInputResponse,
    ReceiveFlowRunInputsRequest,
    ReceiveFlowRunInputsResponse,
)

__all__ = [
    "FlowRunInput",
    "acreate_flow_run_input",
    "acreate_flow_run_input_from_model",
    "adelete_flow_run_input",
    "afilter_flow_run_input",
    "aread_flow_run_input",
    "create_flow_run_input",
    "create_flow_run_input_from_model",
    "delete_flow_run_input",
    "ensure_flow_run_id",
    "filter_flow_run_input",
    "read_flow_run_input",
]

#: Before the id of a flow run that tells another one something.
SENDER_PREFIX = "antiphon.flow-run."


@dataclass(frozen=True, slots=True)
class FlowRunInput:
    """Something that a flow run was told."""

    flow_run_id: UUID
    key: str
    #: JSON.
    value: str
    sender: str | None = None

    @property
    def decoded_value(self) -> Any:
        """What the JSON says."""
        return json.loads(self.value)


def ensure_flow_run_id(flow_run_id: UUID | str | None = None) -> UUID:
    """Return the id, or that of the run in progress. Raises MissingContextError (a RuntimeError) where there is none,
    ValueError for text that is no UUID."""
    if flow_run_id is not None:
        return flow_run_id if isinstance(flow_run_id, UUID) else UUID(flow_run_id)
    around = FlowRunContext.around()
    if around is None:
        raise MissingContextError("No flow run is in progress here: name one by flow_run_id, or call this in a flow.")
    return UUID(around.flow_run_id)


def own_name() -> str | None:
    """What the flow run that the calling code is part of calls itself as a sender."""
    around = FlowRunContext.around()
    return f"{SENDER_PREFIX}{around.flow_run_id}" if around is not None else None


@dual
def create_flow_run_input(
    key: str, value: Any, flow_run_id: UUID | str | None = None, sender: str | None = None
) -> Work[None]:
    """Tell a flow run something that JSON can say, once for each key of the run.

    Raises SerializationError, ObjectNotFound for an unknown run, ObjectAlreadyExists for a key that is taken,
    ServerError for a value of more than 512 KiB.
    """
    request = CreateFlowRunInputRequest()
    told = request.flow_run_input
    told.flow_run_id, told.key, told.sender = str(ensure_flow_run_id(flow_run_id)), key, sender or ""
    try:
        told.value.CopyFrom(make_payload(JSON, json.dumps(value, allow_nan=False).encode()))
    except (TypeError, ValueError) as error:
        raise SerializationError(
            f"A flow run can be told what JSON can say, and not this: {error}. Give numbers, texts, lists, dicts or a "
            "Pydantic model."
        ) from error
    yield from call_server(lambda client: client.flow_runs.CreateFlowRunInput, request, CreateFlowRunInputResponse)


@dual
def create_flow_run_input_from_model(
    key: str, model_instance: Any, flow_run_id: UUID | str | None = None, sender: str | None = None
) -> Work[None]:
    """Tell a flow run what a Pydantic model says. By default the sender is the flow run in progress. Raises as
    `create_flow_run_input`."""
    value = model_instance.model_dump(mode="json", by_alias=True)
    yield from work_of(create_flow_run_input)(key, value, flow_run_id, sender if sender is not None else own_name())


@dual
def filter_flow_run_input(
    key_prefix: str,
    limit: int = 1,
    exclude_keys: AbstractSet[str] | None = None,
    flow_run_id: UUID | str | None = None,
) -> Work[list[FlowRunInput]]:
    """Return at most `limit` of what a flow run was told under keys that begin so, in the order of arrival."""
    request = ReceiveFlowRunInputsRequest(flow_run_id=str(ensure_flow_run_id(flow_run_id)), key_prefix=key_prefix)
    found: list[FlowRunInput] = []
    while len(found) < limit:
        page = yield from call_server(
            lambda client: client.flow_runs.ReceiveFlowRunInputs, request, ReceiveFlowRunInputsResponse
        )
        if not page.flow_run_inputs:
            break
        request.after_sequence = page.flow_run_inputs[-1].sequence
        found += _without(page, exclude_keys or frozenset())
    return found[:limit]


@dual
def read_flow_run_input(key: str, flow_run_id: UUID | str | None = None) -> Work[Any]:
    """Return what a flow run was told under a key; None where that is nothing."""
    request = GetFlowRunInputRequest(flow_run_id=str(ensure_flow_run_id(flow_run_id)), key=key)
    try:
        answer = yield from call_server(
            lambda client: client.flow_runs.GetFlowRunInput, request, GetFlowRunInputResponse
        )
    except ObjectNotFound as error:
        if error.reason != "FLOW_RUN_INPUT_NOT_FOUND":
            raise
        return None
    return input_from(answer.flow_run_input).decoded_value


@dual
def delete_flow_run_input(key: str, flow_run_id: UUID | str | None = None) -> Work[None]:
    """Forget what a flow run was told under a key. Raises ObjectNotFound."""
    request = DeleteFlowRunInputRequest(flow_run_id=str(ensure_flow_run_id(flow_run_id)), key=key)
    yield from call_server(lambda client: client.flow_runs.DeleteFlowRunInput, request, DeleteFlowRunInputResponse)


acreate_flow_run_input = awaitable(create_flow_run_input)
acreate_flow_run_input_from_model = awaitable(create_flow_run_input_from_model)
afilter_flow_run_input = awaitable(filter_flow_run_input)
aread_flow_run_input = awaitable(read_flow_run_input)
adelete_flow_run_input = awaitable(delete_flow_run_input)


def input_from(message: flow_run_input_pb2.FlowRunInput) -> FlowRunInput:
    """Raises SerializationError for what is no JSON: programs in other languages may say anything."""
    encoding = encoding_of(message.value)
    if encoding != JSON:
        raise SerializationError(
            f"Flow run {message.flow_run_id} was told something as {encoding or 'bytes without an encoding'} under the "
            f"key {message.key!r}; inputs are {JSON}. Send it anew, or leave it out by exclude_keys."
        )
    value = message.value.data.decode(errors="replace")
    return FlowRunInput(UUID(message.flow_run_id), message.key, value, message.sender or None)


def _without(page: ReceiveFlowRunInputsResponse, keys: AbstractSet[str]) -> Iterator[FlowRunInput]:
    return (input_from(each) for each in page.flow_run_inputs if each.key not in keys)
