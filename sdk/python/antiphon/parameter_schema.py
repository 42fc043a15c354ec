"""The JSON schema of a function's parameters. Imported at the first flow that is asked for its own."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, JsonSchemaWarningKind
from pydantic_core import PydanticSerializationError, core_schema, to_jsonable_python

from antiphon.parameter_validation import UNFIT_FOR_PYDANTIC, resolved_annotations
from antiphon.signatures import CallShape, shape_of

_CONFIG = ConfigDict(arbitrary_types_allowed=True)
#: "name (type): text" in a docstring's Args, and ":param type name: text".
_GOOGLE = re.compile(r"^\s*(\*{0,2}\w+)\s*(?:\([^)]*\))?\s*:\s*(.+)$")
_SPHINX = re.compile(r"^\s*:param\s+(?:[^:]*\s)?(\w+)\s*:\s*(.+)$")


class ParameterSchema(BaseModel):
    """A JSON schema of an object with a property for each parameter; `position` is its place."""

    title: Literal["Parameters"] = "Parameters"
    type: Literal["object"] = "object"
    properties: dict[str, Any] = Field(default_factory=dict)
    required: list[str] = Field(default_factory=list)
    definitions: dict[str, Any] = Field(default_factory=dict)


class _Lenient(GenerateJsonSchema):
    """Says nothing of types that JSON has no schema for, and of defaults that JSON cannot say."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        return

    def handle_invalid_for_json_schema(self, schema: core_schema.CoreSchema, error_info: str) -> JsonSchemaValue:
        return {}


def parameter_schema(fn: Callable[..., Any]) -> ParameterSchema:
    """Return the schema of what `fn` takes. Parameters without an annotation, or with one that cannot be resolved or
    that Pydantic knows nothing about, take anything."""
    shape = shape_of(fn)
    annotations = resolved_annotations(fn, shape)
    descriptions = _descriptions(inspect.getdoc(fn) or "")
    made = ParameterSchema()
    for position, name in enumerate(shape.names):
        field = shape.fields.get(name)
        annotation = annotations.get(name, Any)
        schema, definitions = _schema_of(annotation if field is None else Annotated[annotation, field])
        made.definitions.update(definitions)
        known = {"title": name, "position": position}
        if name in descriptions:
            known["description"] = descriptions[name]
        made.properties[name] = {**schema, **known, **_default(shape, name)}
        if not _is_optional(shape, name):
            made.required.append(name)
    return made


def _schema_of(annotation: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of one type, and those that it refers to."""
    try:
        model = create_model("Parameters", __config__=_CONFIG, value=(annotation, ...))
        whole = model.model_json_schema(schema_generator=_Lenient, ref_template="#/definitions/{model}")
    except (*UNFIT_FOR_PYDANTIC, PydanticInvalidForJsonSchema):
        return {}, {}
    schema: dict[str, Any] = whole["properties"]["value"]
    return schema, whole.get("$defs", {})


def _default(shape: CallShape, name: str) -> dict[str, Any]:
    if name not in shape.defaults:
        return {}
    try:
        return {"default": to_jsonable_python(shape.defaults[name])}
    except (PydanticSerializationError, ValueError, UnicodeDecodeError):
        return {}


def _is_optional(shape: CallShape, name: str) -> bool:
    variadic = name in (shape.variadic_positional, shape.variadic_keyword)
    return variadic or name in shape.defaults or name in shape.default_factories


def _descriptions(doc: str) -> dict[str, str]:
    """What a docstring says of parameters, in the manner of Google or of Sphinx."""
    found: dict[str, str] = {}
    in_args, current, depth = False, None, 0
    for line in doc.splitlines():
        indent = len(line) - len(line.lstrip())
        sphinx = _SPHINX.match(line)
        if sphinx is not None:
            found[sphinx[1]] = sphinx[2].strip()
        elif line.strip() in ("Args:", "Arguments:", "Parameters:"):
            in_args, current, depth = True, None, 0
        elif in_args and line.strip():
            if indent == 0:
                in_args = False
                continue
            depth = depth or indent
            google = _GOOGLE.match(line) if indent <= depth else None
            if google is not None:
                current = google[1].lstrip("*")
                found[current] = google[2].strip()
            elif current is not None:
                found[current] += f" {line.strip()}"
    return found


def to_json_values(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as JSON can say them; what it cannot is its type's name in angle brackets."""
    return {name: _json_value(value) for name, value in parameters.items()}


def _json_value(value: Any) -> Any:
    try:
        return to_jsonable_python(value, fallback=lambda each: f"<{type(each).__name__}>")
    except (PydanticSerializationError, ValueError, RecursionError):
        # Such as text of bytes that is none, or a list that contains itself.
        return f"<{type(value).__name__}>"
