"""The values of a block as JSON with its secrets in it, and the places where those are."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

from antiphon.blocks.annotations import EVERY_KEY, SECRETS, key_of, path_to, step_of
from antiphon.types import SecretDict


def with_secrets(value: Any, dumped: Any, *, by_alias: bool) -> Any:
    """What a value was dumped to, with secrets in place of their masks."""
    if isinstance(value, SECRETS):
        return to_jsonable_python(told(value))
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        keys = {name: key_of(name, field) if by_alias else name for name, field in type(value).model_fields.items()}
        return dumped | {
            key: with_secrets(getattr(value, name), dumped[key], by_alias=by_alias)
            for name, key in keys.items()
            if key in dumped
        }
    if isinstance(value, Mapping) and isinstance(dumped, dict) and len(value) == len(dumped):
        pairs = zip(dumped.items(), value.values(), strict=True)
        return {key: with_secrets(inner, each, by_alias=by_alias) for (key, each), inner in pairs}
    if isinstance(value, list | tuple | set | frozenset) and isinstance(dumped, list) and len(value) == len(dumped):
        return [with_secrets(inner, each, by_alias=by_alias) for inner, each in zip(value, dumped, strict=True)]
    return dumped


def told(secret: SecretStr | SecretBytes | Secret[Any]) -> Any:
    """The value of a secret; bytes as the text that they are. Raises ValueError where they are none."""
    value = secret.get_secret_value()
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(
            "Secret bytes can be kept in a block only where they are UTF-8 text. Encode others, such as by base64."
        ) from None


def secret_places(value: Any, path: str = "") -> Iterator[str]:
    """The paths of the secrets that are in a value, whatever its annotations say. Saved blocks are not looked into."""
    if isinstance(value, SecretDict):
        yield path_to(path, EVERY_KEY)
    elif isinstance(value, SECRETS):
        yield path
    elif isinstance(value, BaseModel):
        if path and getattr(value, "_block_document_id", None) is not None:
            return
        for name, field in type(value).model_fields.items():
            yield from secret_places(getattr(value, name, None), path_to(path, step_of(key_of(name, field))))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from secret_places(each, path_to(path, step_of(key)))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from secret_places(each, path)
