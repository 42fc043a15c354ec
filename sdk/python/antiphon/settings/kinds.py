"""The kinds of value that a setting can have: how each is read from text (environment) or TOML, and what is allowed."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from antiphon.grpc_target import ALLOWED as ALLOWED_ADDRESSES
from antiphon.grpc_target import parse_listen_address, parse_target

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value. `parse` takes text, a TOML or Python value and raises ValueError where it does not fit."""

    allowed: str
    parse: Callable[[object], object]
    #: Whether empty text means something (no value, an empty list). Where it does not, empty counts as not set.
    takes_empty: bool = False


def text_of(value: object) -> str:
    """A value as it would be written in the environment."""
    if isinstance(value, list | tuple):
        return ",".join(text_of(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return "" if value is None else str(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text is needed")
    return value.strip()


def _optional(parse: Callable[[object], object]) -> Callable[[object], object]:
    def parse_optional(value: object) -> object:
        empty = value is None or (isinstance(value, str) and not value.strip())
        return None if empty else parse(value)

    return parse_optional


def _name(value: object) -> str:
    text = _text(value)
    if not text:
        raise ValueError("it is empty")
    return text


def _address(value: object) -> str:
    text = _text(value)
    parse_target(text)
    return text


def _listen(value: object) -> str:
    return parse_listen_address(_text(value))


def _path(value: object) -> Path:
    if not isinstance(value, str | os.PathLike):
        raise ValueError("a path is needed")
    expanded = os.path.expanduser(os.fspath(value))
    if not isinstance(expanded, str) or expanded.startswith("~"):
        raise ValueError("the home folder that ~ stands for is not known")
    return Path(os.path.abspath(expanded))


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("it is neither true nor false")


def _level(value: object) -> str:
    word = _text(value).upper()
    if word not in LEVELS:
        raise ValueError("it is no level")
    return word


def _names(value: object) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("a list of names is needed")
    return [item.strip() for item in items if item.strip()]


def _whole_number(least: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("a whole number is needed")
        number = int(value)
        if number < least:
            raise ValueError(f"it is less than {least}")
        return number

    return parse


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number is needed")
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError("it is negative or has no end")
    return number


def _positive_number(value: object) -> float:
    number = _number(value)
    if number == 0:
        raise ValueError("it is 0")
    return number


def _whole_number_up_to(least: int, most: int) -> Callable[[object], object]:
    parse_whole_number = _whole_number(least)

    def parse(value: object) -> object:
        number = parse_whole_number(value)
        if number > most:
            raise ValueError(f"it is more than {most}")
        return number

    return parse


def choice(*words: str) -> Kind:
    """The kind of a setting that is one of a few words."""

    def parse(value: object) -> str:
        word = _text(value).lower()
        if word not in words:
            raise ValueError("it is none of them")
        return word

    return Kind(", ".join(words), parse)


def _delays(value: object) -> float | list[float]:
    if isinstance(value, str) and "," in value:
        return [_number(item) for item in value.split(",")]
    if isinstance(value, list | tuple):
        return [_number(item) for item in value]
    return _number(value)


NAME = Kind("a name", _name)
OPTIONAL_NAME = Kind("a name, or empty", _optional(_name), takes_empty=True)
ADDRESS = Kind(
    f"{ALLOWED_ADDRESSES}; empty starts a server of this profile's own", _optional(_address), takes_empty=True
)
LISTEN = Kind("a port, or HOST:PORT", _listen)
FOLDER = Kind("a folder; ~ is allowed", _path)
FILE = Kind("a file; ~ is allowed", _path)
OPTIONAL_FILE = Kind("a file; ~ is allowed; or empty", _optional(_path), takes_empty=True)
PATHS = (FOLDER, FILE, OPTIONAL_FILE)
BOOLEAN = Kind("true or false", _boolean)
OPTIONAL_BOOLEAN = Kind("true, false or empty", _optional(_boolean), takes_empty=True)
LEVEL = Kind(", ".join(LEVELS), _level)
NAMES = Kind("names, separated by commas", _names, takes_empty=True)
COUNT = Kind("a whole number, 0 or more", _whole_number(0))
OPTIONAL_POSITIVE_COUNT = Kind("a whole number, 1 or more, or empty", _optional(_whole_number(1)), takes_empty=True)
#: A message to the server has room for 16 MiB.
BATCH_BYTES = Kind("a whole number from 1 to 8000000", _whole_number_up_to(1, 8_000_000))
#: The most that the contract lets a line have.
LINE_BYTES = Kind("a whole number from 100 to 1000000", _whole_number_up_to(100, 1_000_000))
SECONDS = Kind("seconds, 0 or more", _number)
POSITIVE_SECONDS = Kind("seconds, more than 0", _positive_number)
DELAYS = Kind("seconds, 0 or more, or several separated by commas", _delays)
