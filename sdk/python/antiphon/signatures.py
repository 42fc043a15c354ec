"""What a function takes, worked out once for each function."""

import contextlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from types import MappingProxyType, MethodType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from antiphon.exceptions import ParameterBindError

V = TypeVar("V")

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_MARKS: Mapping[Any, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}
_SIMPLE = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class CallShape:
    """A function's signature, taken apart for binding. A bound method's has no `self`."""

    function_name: str
    signature: inspect.Signature
    #: All parameters in order.
    names: tuple[str, ...]
    #: Those that take positional arguments, `*args` aside.
    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    #: The names of `*args` and `**kwargs`, where there are such.
    variadic_positional: str | None
    variadic_keyword: str | None
    defaults: Mapping[str, Any]
    #: Defaults that are made anew for each call: those of Pydantic's `Field(default_factory=...)`.
    default_factories: Mapping[str, Callable[[], Any]]
    #: Pydantic's `Field(...)` objects that stand where defaults are written.
    fields: Mapping[str, Any]
    #: Whether every parameter can be given by name and none is variadic.
    simple: bool
    #: Whether any parameter has an annotation that says something.
    annotated: bool

    def __str__(self) -> str:
        """The call for people, without annotations and defaults: these may be long, and their repr may run any code."""
        texts = []
        kind = None
        for name, parameter in self.signature.parameters.items():
            if kind is Parameter.POSITIONAL_ONLY and parameter.kind is not kind:
                texts.append("/")
            if parameter.kind is Parameter.KEYWORD_ONLY and kind not in (Parameter.VAR_POSITIONAL, parameter.kind):
                texts.append("*")
            kind = parameter.kind
            optional = name in self.defaults or name in self.default_factories
            texts.append(f"{_MARKS.get(kind, '')}{name}{'=...' if optional else ''}")
        if kind is Parameter.POSITIONAL_ONLY:
            texts.append("/")
        return f"{self.function_name}({', '.join(texts)})"


def per_function(build: Callable[[Callable[..., Any]], V]) -> Callable[[Callable[..., Any]], V]:
    """Make a function that calls `build` once for each function it is asked about, and forgets functions that are gone.

    A bound method counts as its function: the object is made anew at each access.
    """
    plain: WeakKeyDictionary[Any, V] = WeakKeyDictionary()
    bound: WeakKeyDictionary[Any, V] = WeakKeyDictionary()

    def find(fn: Callable[..., Any]) -> V:
        cache, key = (bound, fn.__func__) if type(fn) is MethodType else (plain, fn)
        try:
            return cache[key]
        except (KeyError, TypeError):
            made = build(fn)
        # A callable object may be one that cannot be hashed or weakly referenced; then it is worked out each time.
        with contextlib.suppress(TypeError):
            cache[key] = made
        return made

    return find


@per_function
def shape_of(fn: Callable[..., Any]) -> CallShape:
    """Return what `fn` takes. Raises ParameterBindError where that cannot be found out."""
    name = function_name(fn)
    try:
        signature = inspect.signature(fn)
    except (ValueError, TypeError) as error:
        raise ParameterBindError(
            f"It cannot be found out which arguments {name} takes: {error}. Wrap it in a function written in Python."
        ) from error
    parameters = signature.parameters
    kinds = {each.name: each.kind for each in parameters.values()}
    fields = {each.name: each.default for each in parameters.values() if _is_pydantic_field(each.default)}
    defaults = {
        each.name: each.default
        for each in parameters.values()
        if each.default is not Parameter.empty and each.name not in fields
    }
    factories = {}
    for field_name, field in fields.items():
        if field.default_factory is not None:
            factories[field_name] = field.default_factory
        elif not field.is_required():
            defaults[field_name] = field.default
    return CallShape(
        function_name=name,
        signature=signature,
        names=tuple(parameters),
        positional=tuple(each for each, kind in kinds.items() if kind in _POSITIONAL),
        keyword_only=tuple(each for each, kind in kinds.items() if kind is Parameter.KEYWORD_ONLY),
        variadic_positional=_first(kinds, Parameter.VAR_POSITIONAL),
        variadic_keyword=_first(kinds, Parameter.VAR_KEYWORD),
        defaults=MappingProxyType(defaults),
        default_factories=MappingProxyType(factories),
        fields=MappingProxyType(fields),
        simple=all(kind in _SIMPLE for kind in kinds.values()),
        annotated=any(each.annotation not in (Parameter.empty, Any) for each in parameters.values()) or bool(fields),
    )


def function_name(fn: Callable[..., Any]) -> str:
    """Return a name for people."""
    return str(getattr(fn, "__qualname__", None) or type(fn).__qualname__).replace("<locals>.", "")


def _first(kinds: Mapping[str, Any], wanted: object) -> str | None:
    return next((name for name, kind in kinds.items() if kind is wanted), None)


def _is_pydantic_field(default: object) -> bool:
    """Whether a default is what Pydantic's `Field()` gives. Told by name, which spares the import of Pydantic."""
    kind = type(default)
    return kind.__name__ == "FieldInfo" and kind.__module__ == "pydantic.fields"
