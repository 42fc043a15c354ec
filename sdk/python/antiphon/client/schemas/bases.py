"""What the schemas have in common."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from antiphon.ids import new_id
from antiphon.state_core import State

__all__ = ["AntiphonBaseModel", "ObjectBaseModel", "StateField", "UtcDateTime"]


class AntiphonBaseModel(BaseModel):
    """A model that refuses what it does not know, so that a misspelt field is no silent one."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def _new_uuid() -> UUID:
    return UUID(new_id())


class ObjectBaseModel(BaseModel):
    """Something that the server keeps."""

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True)

    id: UUID = Field(default_factory=_new_uuid)
    created: datetime | None = None
    updated: datetime | None = None


#: A time; one without a time zone is taken as UTC.
UtcDateTime = Annotated[
    datetime, AfterValidator(lambda moment: moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
]


def _state_as_dict(state: State) -> dict[str, Any]:
    return state.model_dump()


#: A state as a field of a model; its dump has no result.
StateField = Annotated[State, PlainSerializer(_state_as_dict)]
