"""What an annotation of a block's field is made of: secrets, other models."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from antiphon.types import SecretDict

SECRETS = (SecretStr, SecretBytes, Secret)
#: Every key of a dict, in the path of a secret.
EVERY_KEY = "*"


def key_of(name: str, field: FieldInfo) -> str:
    """The key under which a field is written."""
    return field.serialization_alias or field.alias or name


def step_of(key: object) -> str:
    """A key as a step of a path; those that a path cannot say become all keys."""
    return key if isinstance(key, str) and key and "." not in key and key != EVERY_KEY else EVERY_KEY


def path_to(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def secret_fields(model: type[BaseModel]) -> list[str]:
    """The paths of all that is secret by the annotations of a model. One inside itself is passed through once."""
    return list(dict.fromkeys(_of_model("", model, ())))


def _of_model(path: str, model: type[BaseModel], around: tuple[type, ...]) -> Iterator[str]:
    if model in around:
        return
    for name, field in model.model_fields.items():
        place = path_to(path, step_of(key_of(name, field)))
        if is_write_only(field):
            yield place
        else:
            yield from _of_annotation(place, field.annotation, (*around, model))


def is_write_only(field: FieldInfo) -> bool:
    """Whether a field says that it is secret whatever its type: by `writeOnly` in its JSON schema."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("writeOnly") is True


def _of_annotation(path: str, annotation: Any, around: tuple[type, ...]) -> Iterator[str]:
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, SecretDict):
            yield path_to(path, EVERY_KEY)
        elif issubclass(annotation, SECRETS):
            yield path
        elif issubclass(annotation, BaseModel):
            yield from _of_model(path, annotation, around)
        return
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, SECRETS):
        yield path
        return
    values_only = isinstance(origin, type) and issubclass(origin, Mapping)
    for part in parts(annotation)[1 if values_only else 0 :]:
        yield from _of_annotation(path_to(path, EVERY_KEY) if values_only else path, part, around)


def parts(annotation: Any) -> tuple[Any, ...]:
    """What an annotation is made of, one level down; empty for a class."""
    alias = getattr(annotation, "__value__", None)
    if alias is not None:
        return (alias,)
    if isinstance(annotation, TypeVar):
        bound = (annotation.__bound__,) if annotation.__bound__ is not None else ()
        return bound or annotation.__constraints__
    return get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)


def classes_in(annotation: Any) -> Iterator[type]:
    """The classes that an annotation names, at any depth."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in parts(annotation):
        yield from classes_in(part)
