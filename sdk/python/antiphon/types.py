"""Types for the fields of Pydantic models: names, labels, delays, numbers within bounds."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Secret, StrictBool, StrictFloat, StrictInt, StrictStr

__all__ = [
    "BANNED_CHARACTERS",
    "MAX_VARIABLE_NAME_LENGTH",
    "MAX_VARIABLE_VALUE_LENGTH",
    "WITHOUT_BANNED_CHARACTERS",
    "ClientRetryExtraCodes",
    "Date",
    "DateTime",
    "JsonStringOrDict",
    "KeyValueLabelsField",
    "ListOfNonEmptyStrings",
    "LogLevel",
    "Name",
    "NameOrEmpty",
    "NonEmptyishName",
    "NonNegativeFloat",
    "NonNegativeInteger",
    "NonNegativeTimeDelta",
    "PositiveInteger",
    "SecondsTimeDelta",
    "SecretDict",
    "StatusCode",
    "StrictVariableValue",
    "TaskRetryDelaySeconds",
    "URILike",
    "ValidAssetKey",
]

T = TypeVar("T", int, float)

#: What names may not have in them.
BANNED_CHARACTERS = ["/", "%", "&", ">", "<"]
#: A pattern for names of at least one character.
WITHOUT_BANNED_CHARACTERS = r"^[^" + "".join(BANNED_CHARACTERS) + "]+$"
_OR_EMPTY = WITHOUT_BANNED_CHARACTERS.replace("+$", "*$")
MAX_VARIABLE_NAME_LENGTH = 255
#: Characters of a variable's value as JSON.
MAX_VARIABLE_VALUE_LENGTH = 5000
_MAX_ASSET_KEY_LENGTH = 512
_URI = re.compile(r"[a-z0-9]+://.*", re.DOTALL)
_BANNED_IN_ASSET_KEYS = frozenset("\n\r\t\0 #?&%\"'<>[]{}|\\^`")

DateTime: TypeAlias = datetime
Date: TypeAlias = date

NonNegativeInteger = Annotated[int, Field(ge=0)]
PositiveInteger = Annotated[int, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0.0)]
StatusCode = Annotated[int, Field(ge=100, le=599)]

Name = Annotated[str, Field(pattern=WITHOUT_BANNED_CHARACTERS)]
NameOrEmpty = Annotated[str, Field(pattern=_OR_EMPTY)]


def _not_blank(value: str) -> str:
    if isinstance(value, str) and not value.strip("'\" \t\n"):
        raise ValueError("a name needs a character that is neither white space nor a quotation mark")
    return value


NonEmptyishName = Annotated[Name, BeforeValidator(_not_blank)]


def _without_blank(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return [each for each in value if str(each).strip()]
    return value


ListOfNonEmptyStrings = Annotated[list[str], BeforeValidator(_without_blank)]


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("a span of time is not negative here")
    return value


NonNegativeTimeDelta = Annotated[timedelta, AfterValidator(_not_negative)]
#: A span of time, or a number of seconds.
SecondsTimeDelta = Annotated[
    timedelta,
    BeforeValidator(lambda value: timedelta(seconds=value) if isinstance(value, int | float) else value),
    BeforeValidator(lambda value: float(value) if isinstance(value, str) and _is_number(value) else value),
]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_object(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


#: Texts by name, or JSON that says so.
JsonStringOrDict = Annotated[dict[str, str], BeforeValidator(_read_object)]

#: Facts about a run for machines to find it by.
KeyValueLabelsField = Annotated[
    dict[str, StrictBool | StrictInt | StrictFloat | str],
    BeforeValidator(lambda value: {} if value is None else value),
    Field(default_factory=dict),
]

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


def _numbers(kind: Callable[[str], T], text: str) -> list[T]:
    return [kind(each.strip()) for each in text.split(",") if each.strip()]


def _read_codes(value: Any) -> Any:
    if isinstance(value, str):
        return set(_numbers(int, value))
    return {value} if isinstance(value, int) else value


#: HTTP status codes, as a set or as text with commas.
ClientRetryExtraCodes = Annotated[set[StatusCode] | None, BeforeValidator(_read_codes)]


def _read_delays(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    numbers = _numbers(float, value)
    return (numbers[0] if len(numbers) == 1 else numbers) if numbers else None


#: Seconds before each retry: a number, several, or text with commas.
TaskRetryDelaySeconds = Annotated[int | float | list[float] | None, BeforeValidator(_read_delays)]


def _fits_a_variable(value: Any) -> Any:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a variable's value must be something that JSON can say: {error}") from error
    if len(text) > MAX_VARIABLE_VALUE_LENGTH:
        raise ValueError(
            f"a variable's value has at most {MAX_VARIABLE_VALUE_LENGTH:,} characters as JSON; this has {len(text):,}"
        )
    return value


StrictVariableValue = Annotated[
    StrictStr | StrictInt | StrictBool | StrictFloat | dict[str, Any] | list[Any] | None,
    BeforeValidator(_fits_a_variable),
]


class SecretDict(Secret[dict[str, Any]]):
    """A dict whose values are secret: not in its `repr`, and encrypted where a block keeps it.

    `get_secret_value()` gives it.
    """


def _uri(value: str) -> str:
    if not _URI.fullmatch(value):
        raise ValueError("a key is a URI with a protocol in lower case, such as storage://bucket/folder/asset.csv")
    return value


def _asset_key(value: str) -> str:
    wrong = next((each for each in value if each in _BANNED_IN_ASSET_KEYS), None)
    if wrong is not None:
        raise ValueError(f"an asset's key cannot contain {wrong!r}")
    return _uri(value)


URILike = Annotated[str, AfterValidator(_uri)]
ValidAssetKey = Annotated[str, Field(max_length=_MAX_ASSET_KEY_LENGTH), AfterValidator(_asset_key)]
