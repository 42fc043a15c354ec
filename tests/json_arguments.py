"""Arguments of flows as requests have them."""

import base64
import json
from typing import Any

from antiphon.v1.payload_pb2 import Payload


def arguments(**values: Any) -> dict[str, Any]:
    """A payload as JSON has it, for requests that are dicts."""
    data = base64.b64encode(json.dumps(values).encode()).decode()
    return {"metadata": {"encoding": "json/plain"}, "data": data}


def packed(**values: Any) -> bytes:
    """A serialized payload, as rows have it."""
    payload = Payload(metadata={"encoding": "json/plain"}, data=json.dumps(values).encode())
    return payload.SerializeToString(deterministic=True)


def values_of(payload: Payload | bytes) -> Any:
    """What a payload, or a serialized one, holds."""
    if isinstance(payload, bytes):
        payload = Payload.FromString(payload)
    assert payload.metadata["encoding"] == "json/plain"
    return json.loads(payload.data)
