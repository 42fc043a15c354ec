"""Values for programs of any language: payloads of JSON and nothing else."""

import json
from typing import Any

from antiphon.exceptions import SerializationError
from antiphon.payloads import JSON, make_payload
from antiphon.v1.payload_pb2 import Payload


def json_payload(value: Any, what: str) -> Payload:
    """Return a value, or a Pydantic model, as a payload of JSON; a tuple becomes a list there.

    Raises SerializationError, which names `what` it was, where JSON cannot say it.
    """
    try:
        dump = getattr(value, "model_dump", None)
        plain = value if dump is None else dump(mode="json")
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializationError(
            f"{what} cannot be said in JSON: {error}. Give numbers, texts, lists, dicts or a Pydantic model."
        ) from error
    return make_payload(JSON, text)
