"""Taking parameters apart for `Task.map`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from antiphon.annotations import BaseAnnotation, allow_failure, unmapped
from antiphon.exceptions import MappingLengthMismatch, MappingMissingIterable, UpstreamTaskError
from antiphon.future_protocol import is_future
from antiphon.signatures import function_name, shape_of

#: Iterable, but one value to everybody's mind.
_WHOLE = (str, bytes, bytearray, dict)


def mapped_parameters(fn: Callable[..., Any], parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters of each call. Iterables are taken apart, except text, bytes, dicts and what `unmapped` is around;
    a future of a list is waited for and taken apart. What `*args` or `**kwargs` took is taken apart by element."""
    name = function_name(fn)
    shape = shape_of(fn)
    flat: dict[tuple[str, Any], Any] = {}
    for key, value in parameters.items():
        if key == shape.variadic_positional:
            flat.update({(key, i): each for i, each in enumerate(value)})
        elif key == shape.variadic_keyword:
            flat.update({(key, inner): each for inner, each in value.items()})
        else:
            flat[key, None] = value
    columns = {where: _column(value) for where, value in flat.items()}
    lengths = {where: len(column) for where, column in columns.items() if column is not None}
    if not any(lengths.values()) and len(set(lengths.values())) <= 1:
        _complain_of_failures(name, flat)
        raise MappingMissingIterable(
            f"Nothing to map over was given to {name}.map(...). Give at least one list or other iterable; a single "
            "call is made with submit."
        )
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{_label(where)}: {length}" for where, length in lengths.items())
        raise MappingLengthMismatch(
            f"The iterables given to {name}.map(...) differ in length: {listed}. Put unmapped(...) around what every "
            "call should get whole."
        )
    return _rows(
        parameters, shape.variadic_positional, shape.variadic_keyword, flat, columns, next(iter(lengths.values()))
    )


def keep_defaults_whole(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], parameters: dict[str, Any]
) -> dict[str, Any]:
    """The parameters with `unmapped` around those that the call did not give: a default is one value in any case."""
    shape = shape_of(fn)
    given = {*shape.signature.bind(*args, **kwargs).arguments, shape.variadic_positional, shape.variadic_keyword}
    return {
        name: value if name in given or isinstance(value, BaseAnnotation) else unmapped(value)
        for name, value in parameters.items()
    }


def _complain_of_failures(name: str, flat: dict[tuple[str, Any], Any]) -> None:
    for where, value in flat.items():
        if is_future(value) and not value.state.is_completed():
            raise UpstreamTaskError(
                f"The future that {name}.map(...) got as {_label(where)} did not complete, so there is nothing to map "
                f"over: it is {value.state}."
            )


def _label(where: tuple[str, Any]) -> str:
    return where[0] if where[1] is None else f"{where[0]}[{where[1]!r}]"


def _column(value: Any) -> list[Any] | None:
    """The elements of what is mapped over, or None for what every call gets whole."""
    if isinstance(value, allow_failure):
        inner = _column(value.unwrap())
        return None if inner is None else [value.rewrap(each) for each in inner]
    if isinstance(value, unmapped | BaseAnnotation):
        return None
    if is_future(value):
        state = value.state
        if not state.is_final():
            value.wait()
        result = value.state.outcome() if value.state.is_completed() else None
        return _column(result) if isinstance(result, list | tuple) else None
    if isinstance(value, _WHOLE) or not isinstance(value, Iterable):
        return None
    return list(value)


def _rows(
    parameters: dict[str, Any],
    variadic_positional: str | None,
    variadic_keyword: str | None,
    flat: dict[tuple[str, Any], Any],
    columns: dict[tuple[str, Any], list[Any] | None],
    length: int,
) -> Iterator[dict[str, Any]]:
    def at(where: tuple[str, Any], index: int) -> Any:
        column = columns[where]
        if column is not None:
            return column[index]
        value = flat[where]
        return value.unwrap() if isinstance(value, unmapped) else value

    for index in range(length):
        row: dict[str, Any] = {}
        for name, value in parameters.items():
            if name == variadic_positional:
                row[name] = tuple(at((name, i), index) for i in range(len(value)))
            elif name == variadic_keyword:
                row[name] = {inner: at((name, inner), index) for inner in value}
            else:
                row[name] = at((name, None), index)
        yield row
