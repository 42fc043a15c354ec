"""What filters of one field have in common."""

from enum import StrEnum
from uuid import UUID

from antiphon.client.schemas.bases import AntiphonBaseModel, UtcDateTime

__all__ = ["AllTags", "Ids", "Names", "NamesLike", "Operator", "OperatorMixin", "OptionalTimes", "Tags", "Times"]


class Operator(StrEnum):
    """How the parts of a filter count together."""

    and_ = "and_"
    or_ = "or_"


class OperatorMixin(AntiphonBaseModel):
    """A filter whose parts count together: all of them, or with `or_` any."""

    operator: Operator = Operator.and_


class Ids(AntiphonBaseModel):
    """Which ids."""

    any_: list[UUID] | None = None


class Names(AntiphonBaseModel):
    """Which texts."""

    any_: list[str] | None = None


class NamesLike(Names):
    """Which texts, or what they contain."""

    like_: str | None = None


class AllTags(OperatorMixin):
    """Which tags, each of them."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class Tags(AllTags):
    """Which tags, each of them or any."""

    any_: list[str] | None = None


class Times(AntiphonBaseModel):
    """Times that are set, up to or from a bound."""

    before_: UtcDateTime | None = None
    after_: UtcDateTime | None = None


class OptionalTimes(Times):
    """The same of times that may not be set."""

    is_null_: bool | None = None
