"""Ids, times and JSON between messages and objects."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from antiphon.exceptions import SerializationError
from antiphon.payloads import JSON, NULL, encoding_of, from_bytes
from antiphon.timestamps import read_timestamp
from antiphon.v1.payload_pb2 import Payload

__all__ = ["optional_time", "optional_uuid", "read_json", "read_json_object", "read_json_text", "uuid_text"]


def uuid_text(id: UUID | str, what: str = "id") -> str:
    """Return an id as the contract writes it. Raises ValueError for text that is none, and names `what` it was for."""
    if isinstance(id, UUID):
        return str(id)
    try:
        return str(UUID(id))
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            f"{what} is a UUID, as an object or as text such as 01890a5d-ac96-774b-bcce-b302099a8057, not {id!r}."
        ) from None


def optional_uuid(text: str) -> UUID | None:
    """Return the id that a message says, or None for an empty one."""
    return UUID(text) if text else None


def optional_time(message: Message, field: str) -> datetime | None:
    """Return the time in a field, or None where it is not set."""
    return read_timestamp(getattr(message, field)) if message.HasField(field) else None


def read_json(text: str) -> Any:
    """Return what a field that holds JSON says; None where it is empty."""
    return json.loads(text) if text else None


def read_json_object(payload: Payload) -> dict[str, Any]:
    """Return the object that a payload says in JSON; an empty one where it says anything else, or in another way."""
    if encoding_of(payload) != JSON:
        return {}
    value = from_bytes(JSON, payload.data)
    return value if isinstance(value, dict) else {}


def read_json_text(payload: Payload) -> str:
    """Return a payload's JSON as it stands. Raises SerializationError where it is none."""
    encoding = encoding_of(payload)
    if encoding == NULL:
        return "null"
    if encoding != JSON:
        raise SerializationError(f"The value was written as {encoding or 'nothing known'}, which is not {JSON}.")
    return payload.data.decode()
