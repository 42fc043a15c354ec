"""What can be called how: an object as a list of words, its kind first, its parameters then.

Only the standard library: `record.py` runs this with the interpreter that has Prefect installed.
"""

import enum
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

#: Where a parameter's default is made anew at each call.
MADE_ANEW = "<made anew>"

#: What modules have for their own annotations.
TYPE_VARIABLE = "type variable"
#: A parameter whose name nobody writes.
POSITIONAL = "(by place)"


def shape(thing: Any) -> list[str]:
    """`["function", "names", "occupy=1"]`, `["enum", "EAGER", "LAZY"]`, `["number"]`: enough to compare."""
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        return ["enum", *thing.__members__]
    if isinstance(thing, type) and issubclass(thing, BaseException):
        return ["exception", *(base.__name__ for base in thing.__mro__[1:] if base not in (BaseException, object))]
    if isinstance(thing, type):
        return ["class", *(_fields(thing) or parameters(thing))]
    if isinstance(thing, property):
        return ["property"]
    if isinstance(thing, TypeVar | ParamSpec):
        return [TYPE_VARIABLE]
    if inspect.isroutine(thing) or hasattr(thing, "__wrapped__"):
        return ["function", *parameters(thing)]
    if isinstance(thing, bool | int | str | float):
        return ["value"]
    return ["object"]


def parameters(function: Callable[..., Any]) -> list[str]:
    """Names with defaults, but for private ones; `*` and `**` in front of what takes any number, a lone `*` before what
    goes by keyword."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ["..."]
    return list(_written(signature))


def _fields(model: type) -> list[str]:
    """The fields of a Pydantic model whose constructor does not name them itself; by keyword."""
    own = [word for word in parameters(model) if not word.startswith("*")]
    fields: dict[str, Any] = getattr(model, "model_fields", {})
    if not fields or (own and parameters(model)[0] != "*args"):
        return []
    return [
        "*",
        *(name if field.is_required() else f"{name}={_field_default(field)}" for name, field in fields.items()),
    ]


def _field_default(field: Any) -> str:
    return MADE_ANEW if field.default_factory is not None else _default(field.default)


def _written(signature: inspect.Signature) -> Iterator[str]:
    marked = False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            marked = True
            yield "*args"
        elif parameter.kind is parameter.VAR_KEYWORD:
            yield "**kwargs"
        else:
            if name.startswith("_") and not name.startswith("__"):
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY or name.startswith("__"):
                name = POSITIONAL
            if parameter.kind is parameter.KEYWORD_ONLY and not marked:
                marked = True
                yield "*"
            yield name if parameter.default is parameter.empty else f"{name}={_default(parameter.default)}"


def _default(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    if isinstance(value, list | tuple | set | dict) and not value:
        return repr(value)
    if isinstance(value, type) or inspect.isroutine(value):
        return value.__name__
    if repr(value) == "<factory>":
        return MADE_ANEW
    return f"<{type(value).__name__}>"


def members(owner: type, package: str) -> dict[str, list[str]]:
    """The public methods and properties of a class that a package wrote, without `self`."""
    found = {}
    for name in dir(owner):
        definer = next((base for base in owner.__mro__ if name in vars(base)), None)
        if name.startswith(("_", "model_")) or definer is None or definer.__module__.partition(".")[0] != package:
            continue
        attribute = inspect.getattr_static(owner, name)
        if isinstance(attribute, property):
            found[name] = ["property"]
        elif hasattr(attribute, "__wrapped__") and not callable(attribute):
            # A descriptor that makes a method of a function.
            found[name] = ["method", *parameters(attribute.__wrapped__)[1:]]
        elif not isinstance(attribute, type) and callable(getattr(owner, name, None)):
            found[name] = _method(owner, name, attribute)
    return found


def _method(owner: type, name: str, attribute: Any) -> list[str]:
    bound = isinstance(attribute, staticmethod | classmethod) or inspect.ismethod(getattr(owner, name))
    written = parameters(getattr(owner, name))
    return ["method", *(written if bound or not written or written[0].startswith("*") else written[1:])]
