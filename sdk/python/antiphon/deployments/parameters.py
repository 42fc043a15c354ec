"""Arguments of runs that begin in other processes: as JSON says them."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from antiphon.blocks.core import Block
from antiphon.exceptions import SerializationError
from antiphon.json_payloads import json_payload
from antiphon.v1.payload_pb2 import Payload


def parameters_payload(parameters: Mapping[str, Any], what: str) -> Payload:
    """Return parameters as one JSON object; what Pydantic knows to write (models, times, UUIDs) is written as it does.

    Raises SerializationError, which names `what` they are, where JSON cannot say them.
    """
    plain = {}
    for name, value in parameters.items():
        if isinstance(value, Block):
            raise SerializationError(
                f"{what} cannot have a block: {name!r} is {type(value).__name__}. Give the block's name, and load it "
                "in the flow."
            )
        try:
            plain[name] = to_jsonable_python(value)
        except (PydanticSerializationError, ValueError) as error:
            raise SerializationError(
                f"{what} cannot be said in JSON: {name!r} is {type(value).__name__}. Give numbers, texts, lists, "
                "dicts, times or a Pydantic model."
            ) from error
    return json_payload(plain, what)
