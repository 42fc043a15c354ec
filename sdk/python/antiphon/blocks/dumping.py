"""The values of a block as JSON with its secrets in it, and the places where those are."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, SerializationInfo
from pydantic_core import to_jsonable_python

from antiphon.blocks.annotations import EVERY_KEY, SECRETS, key_of, path_to, step_of
from antiphon.types import SecretDict

#: Of a dict with more keys, a path names them all at once.
_MANY = 50
_LISTS = (list, tuple, set, frozenset)


class Telling:
    """Puts secrets in the places of their masks, in what Pydantic has dumped as `info` says."""

    def __init__(self, info: SerializationInfo) -> None:
        self._by_alias = bool(info.by_alias)
        self._mode = info.mode
        self._context = info.context

    def fields(self, model: BaseModel, dumped: dict[str, Any]) -> dict[str, Any]:
        """What a model was dumped to, with its secrets."""
        result = dict(dumped)
        for name, field in type(model).model_fields.items():
            key = key_of(name, field) if self._by_alias else name
            if key in result:
                result[key] = self._value(getattr(model, name), result[key])
        return result

    def _value(self, value: Any, dumped: Any) -> Any:
        if isinstance(value, SECRETS):
            return to_jsonable_python(told(value)) if self._mode == "json" else told(value)
        if is_block(value):
            # By its own class: Pydantic has dumped what the annotation names, which may be a base.
            return value.model_dump(mode=self._mode, by_alias=self._by_alias, context=self._context)
        if isinstance(value, BaseModel) and isinstance(dumped, dict):
            return self.fields(value, dumped)
        if isinstance(value, Mapping) and isinstance(dumped, dict) and len(value) == len(dumped):
            pairs = zip(dumped.items(), value.values(), strict=True)
            return {key: self._value(inner, each) for (key, each), inner in pairs}
        if isinstance(value, _LISTS) and isinstance(dumped, _LISTS) and len(value) == len(dumped):
            return [self._value(inner, each) for inner, each in zip(value, dumped, strict=True)]
        return dumped


def is_block(value: Any) -> bool:
    return isinstance(value, BaseModel) and hasattr(type(value), "get_block_type_slug")


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
        many = len(value) > _MANY
        for key, each in value.items():
            yield from secret_places(each, path_to(path, EVERY_KEY if many else step_of(key)))
    elif isinstance(value, _LISTS):
        for each in value:
            yield from secret_places(each, path)
