"""Futures and states inside arguments and results: finding them, and putting something else in their places.

Searched are lists, tuples, sets, dicts, named tuples, dataclasses and Pydantic models. They are found at any depth;
replacing them goes as deep as Python's recursion limit lets it, some hundred levels. `quote` is not looked into; of
`opaque` only the value itself counts.
"""

import copy
import types
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeGuard

from antiphon.annotations import BaseAnnotation, allow_failure, opaque, quote
from antiphon.future_protocol import FutureLike, is_future
from antiphon.state_core import State

#: Types that hold nothing. Told by exact type, so that a long list of numbers is passed over without a step for each.
_PLAIN: Final = frozenset(
    {
        types.NoneType,
        *(bool, int, float, complex, str, bytes, bytearray, range, slice, type),
        *(date, datetime, time, timedelta),
        *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType),
    }
)
_NOTHING: Final = ()

#: What stands for a run: its future, or its state.
Upstream = FutureLike | State
Resolver = Callable[[Any], Any]


def find_upstream(value: Any) -> list[Upstream]:
    """Return the futures and states in a value, each once, those at the front first. A structure may contain itself."""
    if type(value) in _PLAIN:
        return []
    found: list[Upstream] = []
    _scan(value, found)
    return found


def find_futures(value: Any) -> list[FutureLike]:
    """Return only the futures of `find_upstream`."""
    return [each for each in find_upstream(value) if is_future(each)]


def is_upstream(value: object) -> TypeGuard[Upstream]:
    """Whether a value stands for a run."""
    return isinstance(value, State) or is_future(value)


def resolve(
    value: Any, resolver: Resolver, *, on_allow_failure: Resolver | None = None, unwrap_annotations: bool = True
) -> Any:
    """Return the value with `resolver(each)` in place of each future and state, and annotations taken off.

    What needs no change is the same object as before; what does is a copy, and nothing given is altered. Where a
    structure contains itself, the inner place keeps the original. `on_allow_failure` resolves those inside of
    `allow_failure`; None means as any other. `unwrap_annotations=False` leaves annotations on.
    Raises TypeError where a result cannot stand in the set or dict key where its future or state stood.
    """
    if type(value) in _PLAIN:
        return value
    found: list[Upstream] = []
    annotated = _scan(value, found)
    if not found and not (annotated and unwrap_annotations):
        return value
    return _Resolution(resolver, on_allow_failure or resolver, unwrap_annotations).visit(value, False)


def _scan(root: Any, found: list[Upstream]) -> bool:
    """Append the futures and states in `root` to `found`; return whether there is an annotation. There is no recursion,
    so depth is free."""
    annotated = False
    # The values are kept with their ids: one that only existed for this walk would leave its id to the next.
    seen: dict[int, Any] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if type(value) in _PLAIN or id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, BaseAnnotation):
            annotated = True
            if not isinstance(value, quote) and (not isinstance(value, opaque) or is_upstream(value.value)):
                waiting.append(value.value)
            continue
        parts = _parts(value)
        if parts is not None:
            waiting.extend(reversed(parts))
        elif is_upstream(value):
            found.append(value)
    return annotated


def _parts(value: Any) -> "list[Any] | tuple[Any, ...] | None":
    """Return what is directly inside a collection, or None if the value is none. Plain contents count as nothing."""
    kind = type(value)
    if kind is dict or isinstance(value, dict):
        return _unless_plain([*value, *value.values()])
    if kind is list or isinstance(value, list | set | frozenset):
        return _unless_plain(value)
    if kind is tuple or _is_named_tuple(kind):
        return _unless_plain(value)
    if hasattr(kind, "__dataclass_fields__"):
        return [getattr(value, name, None) for name in kind.__dataclass_fields__]
    if hasattr(kind, "__pydantic_validator__"):
        return list(value.__dict__.values())
    return None


def _unless_plain(values: Iterable[Any]) -> "list[Any] | tuple[Any, ...]":
    return _NOTHING if _PLAIN.issuperset(map(type, values)) else list(values)


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_make")


class _Resolution:
    """One walk that builds what `resolve` returns."""

    def __init__(self, resolver: Resolver, on_allow_failure: Resolver, unwrap: bool) -> None:
        self._resolver = resolver
        self._on_allow_failure = on_allow_failure
        self._unwrap = unwrap
        #: (id of a value, inside allow_failure) -> the value, what it became; while it is being built, itself.
        self._done: dict[tuple[int, bool], tuple[Any, Any]] = {}

    def visit(self, value: Any, failure_allowed: bool) -> Any:
        """Return what the value becomes."""
        if type(value) in _PLAIN:
            return value
        mark = (id(value), failure_allowed)
        if mark not in self._done:
            self._done[mark] = (value, value)
            self._done[mark] = (value, self._build(value, failure_allowed))
        return self._done[mark][1]

    def _build(self, value: Any, failure_allowed: bool) -> Any:
        if isinstance(value, BaseAnnotation):
            return self._annotation(value, failure_allowed)
        parts = _parts(value)
        if parts is None:
            if not is_upstream(value):
                return value
            return self._on_allow_failure(value) if failure_allowed else self._resolver(value)
        built = [self.visit(part, failure_allowed) for part in parts]
        if all(new is old for new, old in zip(built, parts, strict=True)):
            return value
        return _rebuilt(value, built)

    def _annotation(self, value: BaseAnnotation[Any], failure_allowed: bool) -> Any:
        inner = value.value
        if isinstance(value, quote) or (isinstance(value, opaque) and not is_upstream(inner)):
            return inner if self._unwrap else value
        built = self.visit(inner, failure_allowed or isinstance(value, allow_failure))
        if self._unwrap:
            return built
        return value if built is inner else value.rewrap(built)


def _rebuilt(value: Any, parts: list[Any]) -> Any:
    """Return a collection of the same kind with other contents, in the order in which `_parts` gives them."""
    kind = type(value)
    if isinstance(value, dict):
        return _rebuilt_dict(value, parts)
    if isinstance(value, list):
        if kind is list:
            return parts
        changed = copy.copy(value)
        changed[:] = parts
        return changed
    if isinstance(value, set | frozenset):
        try:
            return kind(parts)
        except TypeError as error:
            raise TypeError(f"A result cannot be in a set, where its future was: {error}. Use a list.") from error
    if isinstance(value, tuple):
        return tuple(parts) if kind is tuple else kind._make(parts)
    return _rebuilt_object(value, parts)


def _rebuilt_dict(value: dict[Any, Any], parts: list[Any]) -> dict[Any, Any]:
    keys, values = parts[: len(value)], parts[len(value) :]
    try:
        items = dict(zip(keys, values, strict=True))
    except TypeError as error:
        raise TypeError(f"A result cannot be a key of a dict, where its future was: {error}.") from error
    if type(value) is dict:
        return items
    # A subclass may have arguments and attributes of its own; copying keeps them.
    changed = copy.copy(value)
    changed.clear()
    changed.update(items)
    return changed


def _rebuilt_object(value: Any, parts: list[Any]) -> Any:
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        # Not dataclasses.replace(): that would run the constructor, with arguments that are no longer known.
        changed = copy.copy(value)
        for name, part in zip(kind.__dataclass_fields__, parts, strict=True):
            if part is not getattr(value, name, None):
                object.__setattr__(changed, name, part)
        return changed
    changes = dict(zip(value.__dict__, parts, strict=True))
    return value.model_copy(update=changes)
