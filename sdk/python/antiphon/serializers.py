"""How results become bytes: pickle, JSON that knows Pydantic models and dataclasses, and either compressed.

A serializer of your own is a subclass of `Serializer` with a `type` that no other one has, `dumps` and `loads`. It has
to be imported where its results are read.
"""

import importlib
import json
import pickle
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_serializer, field_validator

from antiphon.exceptions import SerializationError
from antiphon.payloads import JSON, NULL, PICKLE, REFERENCE, type_name

D = TypeVar("D")

__all__ = [
    "CompressedJSONSerializer",
    "CompressedPickleSerializer",
    "CompressedSerializer",
    "JSONSerializer",
    "PickleSerializer",
    "Serializer",
    "UnknownSerializer",
    "antiphon_json_object_decoder",
    "antiphon_json_object_encoder",
]

#: Payloads that a serializer wrote have the encoding `serializer/<type>`, and what it needs to read them behind a `;`.
PREFIX: Final = "serializer/"


class UnknownSerializer(SerializationError, ValueError):
    """There is no serializer of that name."""


class Serializer(BaseModel, Generic[D]):
    """Base of all serializers. `type` names it: in `result_serializer="json"`, and beside what it wrote."""

    model_config = ConfigDict(extra="forbid")

    type: str

    @abstractmethod
    def dumps(self, obj: D) -> bytes:
        """Return the value as bytes."""

    @abstractmethod
    def loads(self, blob: bytes) -> D:
        """Return the value that the bytes say."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._options() == other._options()

    def __hash__(self) -> int:
        return hash((type(self), self._options()))

    def _options(self) -> str:
        return self.model_dump_json()


class PickleSerializer(Serializer[D]):
    """Pickles by cloudpickle, or by another module with `dumps` and `loads`."""

    type: str = Field(default="pickle", frozen=True)
    picklelib: str = "cloudpickle"

    @field_validator("picklelib")
    @classmethod
    def _check_library(cls, value: str) -> str:
        return _checked_library(value, ("dumps", "loads"))

    def dumps(self, obj: D) -> bytes:
        return bytes(importlib.import_module(self.picklelib).dumps(obj, protocol=pickle.HIGHEST_PROTOCOL))

    def loads(self, blob: bytes) -> D:
        value: D = importlib.import_module(self.picklelib).loads(blob)
        return value


def antiphon_json_object_encoder(obj: Any) -> Any:
    """Return what JSON can say of an object, with the name of its type: for `json.dumps(default=...)`."""
    if isinstance(obj, BaseException):
        return {"__exc_type__": _path_of(type(obj)), "message": str(obj)}
    return {"__class__": _path_of(type(obj)), "data": TypeAdapter(type(obj)).dump_python(obj, mode="json")}


def antiphon_json_object_decoder(result: dict[str, Any]) -> Any:
    """Return the object that a dict of the encoder's stands for, or the dict: for `json.loads(object_hook=...)`."""
    if "__class__" in result and "data" in result:
        return TypeAdapter(_find(result["__class__"])).validate_python(result["data"])
    if "__exc_type__" in result and "message" in result:
        return _find(result["__exc_type__"])(result["message"])
    return result


class JSONSerializer(Serializer[D]):
    """JSON by the standard library or another module with `dumps` and `loads`, such as `orjson`. Objects that JSON does
    not know are written with the name of their type: Pydantic models, dataclasses, times, sets, UUIDs, exceptions."""

    type: str = Field(default="json", frozen=True)
    jsonlib: str = "json"
    object_encoder: str | None = f"{__name__}.antiphon_json_object_encoder"
    object_decoder: str | None = f"{__name__}.antiphon_json_object_decoder"
    dumps_kwargs: dict[str, Any] = Field(default_factory=dict)
    loads_kwargs: dict[str, Any] = Field(default_factory=dict)

    @field_validator("jsonlib")
    @classmethod
    def _check_library(cls, value: str) -> str:
        return _checked_library(value, ("dumps", "loads"))

    @field_validator("dumps_kwargs")
    @classmethod
    def _check_dumps(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "default" in value:
            raise ValueError("`default` cannot be given here; name a function as `object_encoder`.")
        return value

    @field_validator("loads_kwargs")
    @classmethod
    def _check_loads(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "object_hook" in value:
            raise ValueError("`object_hook` cannot be given here; name a function as `object_decoder`.")
        return value

    def dumps(self, obj: D) -> bytes:
        options = dict(self.dumps_kwargs)
        if self.object_encoder:
            options["default"] = _find(self.object_encoder)
        text = importlib.import_module(self.jsonlib).dumps(obj, **options)
        return text.encode() if isinstance(text, str) else bytes(text)

    def loads(self, blob: bytes) -> D:
        # Libraries other than the standard one take no hook for objects.
        if self.object_decoder and self.jsonlib != "json":
            plain = importlib.import_module(self.jsonlib).loads(blob, **self.loads_kwargs)
            value: D = _decode_deep(plain, _find(self.object_decoder))
            return value
        options = dict(self.loads_kwargs)
        if self.object_decoder:
            options["object_hook"] = _find(self.object_decoder)
        value = importlib.import_module(self.jsonlib).loads(blob, **options)
        return value


class CompressedSerializer(Serializer[D]):
    """What another serializer writes, compressed by a module with `compress` and `decompress`."""

    type: str = Field(default="compressed", frozen=True)
    serializer: Serializer[D]
    compressionlib: str = "lzma"

    @field_validator("serializer", mode="before")
    @classmethod
    def _check_serializer(cls, value: Any) -> Any:
        return resolve_serializer(value)

    @field_serializer("serializer")
    def _with_its_options(self, value: Serializer[D]) -> dict[str, Any]:
        """As its own class has it, and not the declared one."""
        return {"type": value.type, **value.model_dump(mode="json", exclude_defaults=True)}

    @field_validator("compressionlib")
    @classmethod
    def _check_library(cls, value: str) -> str:
        return _checked_library(value, ("compress", "decompress"))

    def dumps(self, obj: D) -> bytes:
        return bytes(importlib.import_module(self.compressionlib).compress(self.serializer.dumps(obj)))

    def loads(self, blob: bytes) -> D:
        return self.serializer.loads(importlib.import_module(self.compressionlib).decompress(blob))


class CompressedPickleSerializer(CompressedSerializer[D]):
    """A compressed pickle."""

    type: str = Field(default="compressed/pickle", frozen=True)
    serializer: Serializer[D] = Field(default_factory=PickleSerializer)


class CompressedJSONSerializer(CompressedSerializer[D]):
    """Compressed JSON."""

    type: str = Field(default="compressed/json", frozen=True)
    serializer: Serializer[D] = Field(default_factory=JSONSerializer)


def resolve_serializer(serializer: Any) -> Serializer[Any]:
    """Return the serializer, or the one of that name. Raises UnknownSerializer, TypeError."""
    if isinstance(serializer, Serializer):
        return serializer
    if isinstance(serializer, dict) and "type" in serializer:
        return _kind(str(serializer["type"]))(**serializer)
    if not isinstance(serializer, str):
        raise TypeError(f"A serializer is a Serializer or the name of one, not {type(serializer).__name__}.")
    return _kind(serializer)(type=serializer)


def write_encoded(serializer: Serializer[Any], value: Any) -> tuple[str, bytes]:
    """Return the encoding and the bytes of a value. Raises SerializationError."""
    try:
        data = serializer.dumps(value)
    except Exception as error:
        raise SerializationError(
            f"A value of type {type_name(value)} cannot be kept: the serializer {serializer.type!r} failed with "
            f'{type(error).__name__}: {error}. Choose another one, such as result_serializer="pickle", return data '
            "that it can write, or set persist_result=False."
        ) from error
    return f"{PREFIX}{serializer.type};{serializer.model_dump_json(exclude_defaults=True)}", data


def read_encoded(encoding: str, data: bytes) -> Any:
    """Return the value. Raises SerializationError where the serializer is not known here, or cannot read the bytes."""
    if not encoding.startswith(PREFIX):
        raise SerializationError(
            f"The encoding {encoding!r} is not known here; {JSON}, {PICKLE}, {NULL}, {REFERENCE} and {PREFIX}... are. "
            "It was written by another program or a newer version of Antiphon: upgrade this one, or read it with the "
            "program that wrote it."
        )
    name, _, options = encoding.removeprefix(PREFIX).partition(";")
    try:
        return _kind(name)(**json.loads(options or "{}")).loads(data)
    except SerializationError:
        raise
    except Exception as error:
        raise SerializationError(
            f"A value that the serializer {name!r} wrote cannot be read here: {type(error).__name__}: {error}. It "
            "needs the modules and versions of the program that wrote it."
        ) from error


def _kind(name: str) -> type[Serializer[Any]]:
    known = {each.model_fields["type"].default: each for each in _subclasses(Serializer)}
    if name not in known:
        names = ", ".join(sorted(repr(each) for each in known if isinstance(each, str)))
        raise UnknownSerializer(
            f"There is no serializer {name!r}; there are {names}. One of your own has to be imported before."
        )
    return known[name]


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        # Pydantic makes a class for each Serializer[X]; those say nothing of their own.
        if not each.__pydantic_generic_metadata__["origin"] and each.__module__ != "typing":
            yield each
        yield from _subclasses(each)


def _checked_library(name: str, needed: tuple[str, ...]) -> str:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"The module {name!r} cannot be imported: {error}.") from error
    missing = [each for each in needed if not callable(getattr(module, each, None))]
    if missing:
        raise ValueError(f"The module {name!r} has no function {' and '.join(map(repr, missing))}.")
    return name


def _path_of(kind: type) -> str:
    if "<locals>" in kind.__qualname__:
        raise TypeError(
            f"the type {type_name(kind)} {kind.__qualname__!r} is local to a function, so nobody could find it"
        )
    return f"{kind.__module__}.{kind.__qualname__}"


def _find(path: str) -> Any:
    """The object that a dotted path names, also one inside a class."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name)
        return found
    raise ValueError(f"There is nothing of the name {path!r} here.")


def _decode_deep(value: Any, decode: Callable[[dict[str, Any]], Any]) -> Any:
    if isinstance(value, dict):
        return decode({key: _decode_deep(each, decode) for key, each in value.items()})
    if isinstance(value, list):
        return [_decode_deep(each, decode) for each in value]
    return value
