"""What a pause asks for, by Pydantic. Imported at the first one that asks for something."""

import json
from inspect import isclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from antiphon.input.actions import FlowRunInput
from antiphon.input.run_input import BaseRunInput


class Wanted:
    """An answer of some type: its JSON schema, and how it is read."""

    def __init__(self, kind: Any) -> None:
        """Raises TypeError for what is no type, or one that JSON cannot say."""
        self._kind = kind
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
            self.schema = json.dumps(self._adapter.json_schema())
        except PydanticUserError as error:
            raise TypeError(
                f"wait_for_input is a type that JSON can say, such as int or a Pydantic model, not {kind!r}: {error}"
            ) from error

    def read(self, data: bytes, flow_run_id: str, key: str, sender: str) -> Any:
        """The value that JSON says, which the run was told under a key. Raises ValidationError where the type asks for
        more than a schema can."""
        if isclass(self._kind) and issubclass(self._kind, BaseRunInput):
            told = FlowRunInput(UUID(flow_run_id), key, data.decode(), sender or None)
            return self._kind.load_from_flow_run_input(told)
        return self._adapter.validate_json(data)
