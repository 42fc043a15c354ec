"""Unary calls that change something: once for each request_id, and answered with what is stored."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from antiphon_server.application.core import Core, Operation, WorkingSet
from antiphon_server.application.proposals import digest_of
from antiphon_server.application.requests import Recall, Remembered
from antiphon_server.domain.errors import InvalidArgument

Response = TypeVar("Response", bound=Message)
#: For each field that an update may name, what makes a column's value of it.
Columns: TypeAlias = dict[str, Callable[[Any], Any]]


def _digests_of(body: bytes) -> Sequence[bytes]:
    return (digest_of(body),)


async def mutate(
    core: Core,
    request: Any,
    operation: Operation,
    response: type[Response],
    fill: Callable[[WorkingSet, Any], Response],
    *,
    bulk: bool = False,
    digests_of: Callable[[bytes], Sequence[bytes]] = _digests_of,
) -> Response:
    """Runs `operation` and answers with `fill(working set, its result)`, or with the answer of the first time.

    `digests_of` is for requests with secrets; see `SecretBox.digests_of`.
    """
    remembered = Remembered(
        *_identity(request, digests_of),
        operation=operation,
        answer=lambda working_set, result: fill(working_set, result).SerializeToString(),
    )
    return response.FromString(await core.run(remembered, bulk=bulk))


async def recalled(core: Core, request: Any, response: type[Response]) -> Response | None:
    """The answer of the first time, for calls that look at much before they mutate; None for a new request."""
    known = await core.run(Recall(*_identity(request, _digests_of))) if request.request_id else None
    return response.FromString(known) if known is not None else None


def _identity(
    request: Any, digests_of: Callable[[bytes], Sequence[bytes]]
) -> tuple[str, str, Callable[[], Sequence[bytes]]]:
    """What a request is known by when it comes again."""
    body = request.SerializeToString(deterministic=True)
    return request.request_id.lower(), type(request).__name__.removesuffix("Request"), lambda: digests_of(body)


def masked(mask: FieldMask, message: Message, columns: Columns, field: str = "update_mask") -> dict[str, Any]:
    """Column values for the paths of an update mask, a `field` of the request; each path is a field and a column of the
    same name.

    Raises InvalidArgument (UPDATE_MASK_INVALID) for an empty mask and for a path that may not be changed.
    """
    allowed = ", ".join(sorted(columns))
    if not mask.paths:
        raise InvalidArgument("UPDATE_MASK_INVALID", f"{field} is empty; name what to change: {allowed}", field=field)
    for path in mask.paths:
        if path not in columns:
            raise InvalidArgument(
                "UPDATE_MASK_INVALID", f"{path!r} cannot be updated; these can: {allowed}", field=field
            )
    return {path: columns[path](getattr(message, path)) for path in mask.paths}
