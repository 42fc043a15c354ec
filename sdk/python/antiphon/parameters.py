"""Arguments to parameters and back. Binding is cheap: it happens for every task, and imports no Pydantic."""

import importlib
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

from antiphon.exceptions import ParameterBindError, SignatureMismatchError
from antiphon.signatures import CallShape, shape_of

__all__ = ["bind", "call_args", "validate"]

#: Loaded by name at the first function with annotations: Pydantic takes longer to import than all else here.
_VALIDATION_MODULE = "antiphon.parameter_validation"


def bind(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameter name -> value in the order of the signature, defaults included.

    `*args` is one tuple and `**kwargs` one dict under their names. Raises ParameterBindError, a TypeError, where the
    arguments do not fit.
    """
    shape = shape_of(fn)
    if not shape.simple or len(args) > len(shape.positional):
        return _bind_any(shape, args, kwargs)
    names = shape.names
    bound = dict(zip(names, args, strict=False))
    used = 0
    defaults = shape.defaults
    for name in names[len(args) :]:
        if name in kwargs:
            bound[name] = kwargs[name]
            used += 1
        elif name in defaults:
            bound[name] = defaults[name]
        elif name in shape.default_factories:
            bound[name] = shape.default_factories[name]()
        else:
            return _bind_any(shape, args, kwargs)
    if used != len(kwargs):
        return _bind_any(shape, args, kwargs)
    return bound


def _bind_any(shape: CallShape, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Bind to any signature, or say what is wrong."""
    try:
        arguments = shape.signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise _bind_error(shape, str(error)) from None
    bound: dict[str, Any] = {}
    for name, parameter in shape.signature.parameters.items():
        if name in arguments:
            bound[name] = arguments[name]
        elif parameter.kind is Parameter.VAR_POSITIONAL:
            bound[name] = ()
        elif parameter.kind is Parameter.VAR_KEYWORD:
            bound[name] = {}
        elif name in shape.defaults or name in shape.default_factories:
            bound[name] = _default(shape, name)
        else:
            raise _bind_error(shape, f"missing a required argument: {name!r}")
    return bound


def _default(shape: CallShape, name: str) -> Any:
    return shape.defaults[name] if name in shape.defaults else shape.default_factories[name]()


def _bind_error(shape: CallShape, cause: str) -> ParameterBindError:
    return ParameterBindError(f"{shape.function_name}() cannot be called with these arguments: {cause}. It is {shape}.")


def call_args(fn: Callable[..., Any], parameters: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and the keyword arguments to call `fn` with, from what `bind` gives.

    A parameter that is not there takes its default. Raises SignatureMismatchError where one without a default is
    missing or one is unknown.
    """
    shape = shape_of(fn)
    if len(parameters) != len(shape.names):
        parameters = _completed(shape, parameters)
    try:
        args = [parameters[name] for name in shape.positional]
        kwargs = {name: parameters[name] for name in shape.keyword_only}
        if shape.variadic_positional is not None:
            args.extend(parameters[shape.variadic_positional])
        if shape.variadic_keyword is not None:
            kwargs.update(parameters[shape.variadic_keyword])
    except KeyError:
        return call_args(fn, _completed(shape, parameters))
    return tuple(args), kwargs


def _completed(shape: CallShape, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with defaults in the gaps, or say which do not fit."""
    unknown = sorted(set(parameters) - set(shape.names))
    missing = []
    complete = dict(parameters)
    for name in shape.names:
        if name in parameters:
            continue
        if name == shape.variadic_positional:
            complete[name] = ()
        elif name == shape.variadic_keyword:
            complete[name] = {}
        elif name in shape.defaults or name in shape.default_factories:
            complete[name] = _default(shape, name)
        else:
            missing.append(name)
    if unknown or missing:
        problems = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"unknown: {', '.join(unknown)}"] * bool(
            unknown
        )
        raise SignatureMismatchError(f"The parameters do not fit {shape}: {'; '.join(problems)}.")
    return complete


def validate(fn: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters coerced to the function's annotations by Pydantic.

    Values whose types already fit stay the same objects, except that containers with annotated contents are made anew.
    Raises ParameterTypeError with a line for each parameter that does not fit.
    """
    if not shape_of(fn).annotated:
        return dict(parameters)
    coerced: dict[str, Any] = importlib.import_module(_VALIDATION_MODULE).validate_annotated(fn, parameters)
    return coerced
