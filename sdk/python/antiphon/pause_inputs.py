"""What a pause asks for, by Pydantic. Imported at the first one that asks for something."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError


class Wanted:
    """An answer of some type: its JSON schema, and how it is read."""

    def __init__(self, kind: Any) -> None:
        """Raises TypeError for what is no type, or one that JSON cannot say."""
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
            self.schema = json.dumps(self._adapter.json_schema())
        except PydanticUserError as error:
            raise TypeError(
                f"wait_for_input is a type that JSON can say, such as int or a Pydantic model, not {kind!r}: {error}"
            ) from error

    def read(self, data: bytes) -> Any:
        """The value that JSON says. Raises ValidationError where the type asks for more than a schema can."""
        return self._adapter.validate_json(data)
