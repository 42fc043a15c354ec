"""Exceptions that ended a run, as payloads."""

import traceback
from typing import Any, Final

from antiphon.exceptions import FailedRun, SerializationError
from antiphon.payloads import decode, encode, make_payload, to_bytes
from antiphon.payloads import from_bytes as value_from_bytes
from antiphon.result_store import INLINE_LIMIT
from antiphon.text_limits import clip_bytes
from antiphon.v1.payload_pb2 import Payload

#: Metadata of a payload that describes an exception in place of holding it.
KIND: Final = "kind"
DESCRIBED_EXCEPTION: Final = "exception"
_TEXT_LIMIT: Final = 12 * 1024


def format_exception(exc: BaseException) -> str:
    """Return the type and the message, as the last line of a traceback has them."""
    return "".join(traceback.format_exception_only(exc)).strip()


def encode_exception(error: BaseException) -> Payload:
    """Return the exception as a payload that can be read anywhere.

    One that cannot be pickled, that could not be made anew from its pickle (a constructor with arguments of its own),
    or that is larger than 32 KiB is described: type, message and traceback as text.
    """
    try:
        encoding, data = to_bytes(error)
        if len(data) <= INLINE_LIMIT and isinstance(value_from_bytes(encoding, data), BaseException):
            return make_payload(encoding, data)
    except SerializationError:
        # Described below; the cause is of no use to the person who reads why the run failed.
        pass
    payload = encode(_describe(error))
    payload.metadata[KIND] = DESCRIBED_EXCEPTION
    return payload


def is_described(payload: Payload) -> bool:
    """Whether the payload describes an exception in place of holding it."""
    return payload.metadata.get(KIND, "") == DESCRIBED_EXCEPTION


def read_described(payload: Payload) -> FailedRun:
    """Return what stands for a described exception: a FailedRun with its text, and its traceback as a note."""
    described: Any = decode(payload)
    if not isinstance(described, dict):
        raise SerializationError("A payload should describe an exception, but holds something else.")
    error = FailedRun(f"{described.get('type', 'Exception')}: {described.get('message', '')}")
    if described.get("traceback"):
        error.add_note(f"It was raised in the process that ran it:\n{described['traceback']}")
    return error


def _describe(error: BaseException) -> dict[str, str]:
    kind = type(error)
    text = format_exception(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {
        "type": clip_bytes(name, 1024),
        "message": clip_bytes(text.removeprefix(f"{name}: "), _TEXT_LIMIT),
        "traceback": clip_bytes("".join(traceback.format_exception(error)), _TEXT_LIMIT),
    }
