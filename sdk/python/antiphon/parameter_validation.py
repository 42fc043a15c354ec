"""Parameters coerced to annotations by Pydantic. Imported at the first function that has any."""

import reprlib
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, unwrap
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError

from antiphon.exceptions import ParameterTypeError
from antiphon.signatures import CallShape, per_function, shape_of

_CONFIG = ConfigDict(arbitrary_types_allowed=True)
UNFIT_FOR_PYDANTIC = (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError, TypeError)

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


@dataclass(frozen=True, slots=True)
class _Validator:
    """A Pydantic model with a field for each annotated parameter. Fields have names of our own (a parameter may be
    called `json` or `_x`) and the parameters' names as aliases."""

    model: type[BaseModel]
    #: Parameter -> field.
    fields: Mapping[str, str]


def validate_annotated(fn: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """As `antiphon.parameters.validate`.

    A default that does not fit its annotation (`x: int = None`) is left as it is. Annotations that cannot be resolved
    here or that Pydantic knows nothing about are not checked.
    """
    validator = _validator_of(fn)
    given = {name: parameters[name] for name in validator.fields if name in parameters}
    try:
        model = validator.model.model_validate(given)
    except ValidationError as error:
        problems = _by_parameter(error)
        defaults = shape_of(fn).defaults
        unfit_defaults = {name for name in problems if name in defaults and given[name] is defaults[name]}
        wrong = {name: texts for name, texts in problems.items() if name not in unfit_defaults}
        if wrong:
            raise _type_error(fn, given, wrong) from None
        given = {name: value for name, value in given.items() if name not in problems}
        model = validator.model.model_validate(given)
    coerced = {name: getattr(model, validator.fields[name]) for name in given}
    return {**parameters, **coerced}


def _by_parameter(error: ValidationError) -> dict[str, list[str]]:
    """Return parameter -> what is wrong with it, one text for each place inside it."""
    problems: dict[str, list[str]] = {}
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        name, *place = map(str, each["loc"])
        problems.setdefault(name, []).append(f"{'.'.join(place)}: {each['msg']}" if place else each["msg"])
    return problems


def _type_error(fn: Callable[..., Any], given: Mapping[str, Any], wrong: Mapping[str, list[str]]) -> ParameterTypeError:
    lines = [
        f"  - {name}: {'; '.join(texts)} (given: {_short.repr(given[name])}, a {type(given[name]).__name__})"
        for name, texts in wrong.items()
    ]
    return ParameterTypeError(
        f"The arguments of {shape_of(fn).function_name} do not fit its annotations:\n" + "\n".join(lines)
    )


@per_function
def _validator_of(fn: Callable[..., Any]) -> _Validator:
    shape = shape_of(fn)
    annotations = resolved_annotations(fn, shape)
    try:
        return _build(shape, annotations)
    except UNFIT_FOR_PYDANTIC:
        return _build(shape, {name: each for name, each in annotations.items() if _fits_pydantic(shape, name, each)})


def _fits_pydantic(shape: CallShape, name: str, annotation: Any) -> bool:
    try:
        _build(shape, {name: annotation})
    except UNFIT_FOR_PYDANTIC:
        return False
    return True


def _build(shape: CallShape, annotations: Mapping[str, Any]) -> _Validator:
    fields = {name: f"p{number}" for number, name in enumerate(annotations)}
    definitions: dict[str, Any] = {}
    for name, annotation in annotations.items():
        if name in shape.fields:
            annotation = Annotated[annotation, shape.fields[name]]
        # Optional for the model, since a default that does not fit is left out of a second try.
        definitions[fields[name]] = (annotation, Field(default=None, alias=name))
    model = create_model("Parameters", __config__=_CONFIG, **definitions)
    # Raises PydanticUndefinedAnnotation where a model that an annotation names is not complete.
    model.model_rebuild()
    return _Validator(model, fields)


def resolved_annotations(fn: Callable[..., Any], shape: CallShape) -> dict[str, Any]:
    """Return parameter -> type, for those whose annotation says one and can be resolved."""
    scope, local_scope = _scopes(fn)
    found: dict[str, Any] = {}
    for name, parameter in shape.signature.parameters.items():
        annotation = Any if parameter.annotation is Parameter.empty else parameter.annotation
        if annotation is Any and name not in shape.fields:
            continue
        holder = SimpleNamespace(__annotations__={name: annotation})
        try:
            annotation = typing.get_type_hints(holder, scope, local_scope, include_extras=True)[name]
        except (NameError, AttributeError, SyntaxError, TypeError):
            # Imported for type checkers only, or defined inside a function: no value can be checked against it.
            continue
        found[name] = _whole(parameter, annotation)
    return {name: annotation for name, annotation in found.items() if annotation is not None}


def _whole(parameter: Parameter, annotation: Any) -> Any:
    """Return the type of all that a parameter takes; for `*args` and `**kwargs` the annotation is that of one item."""
    unpacked = get_origin(annotation) is typing.Unpack
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return None if unpacked else tuple[annotation, ...]
    if parameter.kind is Parameter.VAR_KEYWORD:
        return get_args(annotation)[0] if unpacked else dict[str, annotation]
    return annotation


def _scopes(fn: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the global and the local names that a function's annotations may use."""
    function: Any = fn.func if isinstance(fn, partial) else fn
    function = unwrap(getattr(function, "__func__", function))
    if not hasattr(function, "__globals__"):
        function = type(function).__call__
    scope: dict[str, Any] = getattr(function, "__globals__", {})
    local_scope = {each.__name__: each for each in getattr(function, "__type_params__", ())}
    code = getattr(function, "__code__", None)
    for name, cell in zip(code.co_freevars if code else (), getattr(function, "__closure__", None) or (), strict=True):
        try:
            local_scope[name] = cell.cell_contents
        except ValueError:
            # Not assigned yet.
            continue
    return scope, local_scope
