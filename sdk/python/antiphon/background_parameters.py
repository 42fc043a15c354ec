"""What a deferred task run is called with, on its way from the caller to the worker."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from google.protobuf.message import DecodeError

from antiphon.collections_visit import Upstream, resolve
from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.exceptions import MissingResult, SerializationError
from antiphon.payloads import make_payload, to_bytes, to_bytes_within
from antiphon.result_store import INLINE_LIMIT, ResultStore
from antiphon.run_futures import AntiphonFuture
from antiphon.signatures import function_name, shape_of
from antiphon.v1.payload_pb2 import Payload
from antiphon.v1.task_run_pb2 import TaskRun


@dataclass(slots=True)
class BackgroundCall:
    """A call that somebody else makes."""

    #: As given, with futures, states and annotations.
    parameters: dict[str, Any]
    wait_for: list[Any] = field(default_factory=list)
    #: Of the `tags` blocks around the caller: runs that the call makes get them too.
    tags: list[str] = field(default_factory=list)


def storage_key(parameters_id: str) -> str:
    """Where in a result storage large arguments are kept."""
    return f"parameters/{parameters_id}"


def pack(task: Any, call: BackgroundCall, parameters_id: str) -> Payload:
    """Return the call as a payload: small ones whole, for large ones a reference into the result storage.

    Raises SerializationError, which names the argument that cannot travel, ResultStorageError.
    """
    parameters = {name: _travelling(value) for name, value in call.parameters.items()}
    packed = {"parameters": parameters, "wait_for": _travelling(call.wait_for), "tags": call.tags}
    try:
        small = to_bytes_within(packed, INLINE_LIMIT)
        if small is not None:
            return make_payload(*small)
        payload = ResultStore().persist(packed, persist_result=True, key=storage_key(parameters_id))
    except SerializationError as error:
        raise _culprit(task, packed, error) from error
    assert payload is not None  # since it insists
    return payload


def unpack(task: Any, payload: Payload) -> BackgroundCall:
    """Return the call that a payload holds. Raises MissingResult, SerializationError."""
    packed = ResultStore().load(payload)
    try:
        parameters, wait_for, tags = packed["parameters"], packed["wait_for"], packed["tags"]
        return BackgroundCall(dict(parameters), list(wait_for), list(map(str, tags)))
    except (TypeError, KeyError, ValueError) as error:
        raise SerializationError(
            f"The arguments of a run of {function_name(task.fn)} were not packed by `delay`: {error!r}. A payload says "
            "{'parameters': {...}, 'wait_for': [...], 'tags': [...]}."
        ) from error


def _travelling(value: Any) -> Any:
    """The value with futures that another process can wait for. What runs here ends there too: the server knows it."""

    def far(each: Upstream) -> Upstream:
        return AntiphonDistributedFuture(each.task_run_id) if isinstance(each, AntiphonFuture) else each

    return resolve(value, far, unwrap_annotations=False)


def _culprit(task: Any, packed: Mapping[str, Any], error: SerializationError) -> SerializationError:
    """The same error with the name of what cannot travel."""
    culprit = next(_unfit(packed["parameters"].items()), None)
    what = f"The argument {culprit[0]!r}" if culprit is not None else "What `wait_for` holds"
    cause = culprit[1] if culprit is not None else error
    return SerializationError(
        f"{what} of {function_name(task.fn)} cannot be sent to a task worker: {cause} Pass plain data, or something by "
        "which the worker can open it anew, such as a path, a URL or an id."
    )


def _unfit(items: Iterable[tuple[str, Any]]) -> Any:
    for name, value in items:
        try:
            to_bytes(value)
        except SerializationError as error:
            yield name, error


def should_try_to_read_parameters(task: Any, task_run: TaskRun) -> bool:
    """Say whether a queued run of the task comes with arguments: not where the task takes none."""
    return bool(shape_of(task.fn).names) and task_run.HasField("parameters")


async def store_parameters(result_store: ResultStore, identifier: str | UUID, parameters: dict[str, Any]) -> None:
    """Put parameters into a result storage, as `read_parameters` finds them. Raises SerializationError,
    ResultStorageError."""
    data = make_payload(*to_bytes(parameters)).SerializeToString()
    await asyncio.to_thread(result_store.storage.write, storage_key(str(identifier)), data)


async def read_parameters(result_store: ResultStore, identifier: str | UUID) -> dict[str, Any]:
    """Return what `store_parameters` has put there. Raises MissingResult where there is nothing, SerializationError."""
    key = storage_key(str(identifier))
    try:
        data = await asyncio.to_thread(result_store.storage.read, key)
    except OSError as error:
        raise MissingResult(
            f"There are no parameters at {result_store.storage.location(key)}: {error}. They were deleted, or are kept "
            "in another storage."
        ) from error
    try:
        payload = Payload.FromString(data)
    except DecodeError as error:
        raise SerializationError(
            f"What is kept at {result_store.storage.location(key)} are no parameters: {error}."
        ) from error
    return dict(result_store.load(payload))
