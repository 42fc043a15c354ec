"""The type of columns that hold a value of one of the domain's enumerations."""

from typing import Any

from sqlalchemy import SmallInteger
from sqlalchemy.types import TypeEngine

__all__ = ["Enumerated"]


class Enumerated(SmallInteger):
    """A number. An `IntEnum` that it is compared with is one too.

    SQLAlchemy would ask all its parts what an `IntEnum` is, and fail where another thread is loading one of them just
    then; readers are loaded like that, see `reader_engine`.
    """

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self if isinstance(value, int) else super().coerce_compared_value(op, value)
