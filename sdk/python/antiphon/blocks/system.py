"""The block for a secret."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import Field, SecretStr, field_validator
from pydantic import Secret as PydanticSecret
from pydantic_core import from_json

from antiphon.blocks.core import Block

__all__ = ["Secret"]

T = TypeVar("T")


class Secret(Block, Generic[T]):
    """A value that is kept secret: encrypted on the server, and shown as stars wherever blocks are looked at.

    Attributes:
        value: Text, or whatever JSON can say. `Secret[int]` and its like check and convert it.

    Example:
        ```python
        from antiphon.blocks.system import Secret

        Secret(value="sk-1234567890").save("my-token")
        Secret.load("my-token").get()
        ```
    """

    value: PydanticSecret[T] = Field(
        description="The value that is kept secret.",
        examples=["sk-1234567890", {"username": "ann", "password": "..."}],
        json_schema_extra={"writeOnly": True, "format": "password"},
    )

    if TYPE_CHECKING:
        # Type checkers do not know that what is given becomes a secret.
        def __init__(self, *, value: T | PydanticSecret[T], **data: Any) -> None: ...

    @field_validator("value", mode="before")
    @classmethod
    def _take(cls, value: Any) -> Any:
        return value.get_secret_value() if isinstance(value, SecretStr | PydanticSecret) else value

    def get(self) -> T | Any:
        """Return the value. Text that is JSON comes as what it says: `"[1, 2]"` as a list, `"5"` as a number."""
        value = self.value.get_secret_value()
        if not isinstance(value, str):
            return value
        try:
            return from_json(value)
        except ValueError:
            return value

    @classmethod
    def get_block_type_slug(cls) -> str:
        """Return `secret`, of `Secret[int]` and its like too."""
        origin: Any = cls.__pydantic_generic_metadata__["origin"]
        return str(origin.get_block_type_slug()) if origin is not None else super().get_block_type_slug()
