"""Where the values of templates come from: steps that have run, variables and blocks of the server, the environment."""

import json
import os
from collections.abc import Mapping
from typing import Any

from antiphon.blocks.loading import values_of
from antiphon.close_names import meant
from antiphon.deployments.templates import KEEP, Name, Source, filled, followed, names_in
from antiphon.engine.dual import Work
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import BlockNotFound, ObjectNotFound, TemplateError
from antiphon.v1.block_service_pb2 import BlockDocumentName, GetBlockDocumentRequest, GetBlockDocumentResponse
from antiphon.v1.variable_service_pb2 import GetVariableRequest, GetVariableResponse


def resolved(value: Any, outputs: Mapping[str, Any], *, keep_outputs: bool = False) -> Work[Any]:
    """Gives a value with all its templates filled in.

    `outputs` are those of the steps that have run, by their ids, and the last ones by their own keys. With
    `keep_outputs` templates of others stay as they are. Raises TemplateError for what is not there, ServerError.
    """
    found: dict[tuple[Source, str], Any] = {}
    for name in names_in(value):
        if (name.source, name.key) not in found:
            found[name.source, name.key] = yield from _read(name, outputs, keep_outputs)

    def value_of(name: Name) -> Any:
        read = found[name.source, name.key]
        return KEEP if read is KEEP else followed(name, read)

    return filled(value, value_of)


def with_outputs(value: Any, outputs: Mapping[str, Any]) -> Any:
    """Return a value in which what steps gave is filled in; other templates stay. Raises TemplateError."""

    def value_of(name: Name) -> Any:
        if name.source is not Source.OUTPUT or name.key not in outputs:
            return KEEP
        return followed(name, outputs[name.key])

    return filled(value, value_of)


def _read(name: Name, outputs: Mapping[str, Any], keep_outputs: bool) -> Work[Any]:
    if name.source is Source.ENVIRONMENT:
        return _environment(name)
    if name.source is Source.VARIABLE:
        return (yield from _variable(name))
    if name.source is Source.BLOCK:
        return (yield from _block(name))
    if name.key in outputs:
        return outputs[name.key]
    if keep_outputs:
        return KEEP
    raise unknown_output(name, outputs)


def unknown_output(name: Name, outputs: Mapping[str, Any]) -> TemplateError:
    """Return what is to be said of a template that names no step."""
    known = f"There are {', '.join(map(repr, outputs))}." if outputs else "No step has run before."
    return TemplateError(
        f"{name.text} names {name.key!r}, which is no output of a step{meant(name.key, outputs)}. {known} A step gets "
        "a name by `id: NAME` beside its arguments."
    )


def _environment(name: Name) -> str:
    value = os.environ.get(name.key)
    if value is None:
        raise TemplateError(
            f"{name.text} needs the environment variable {name.key}, which is not set here. Set it (also to nothing, "
            "where that is meant), or take the template out."
        )
    return value


def _variable(name: Name) -> Work[Any]:
    request = GetVariableRequest(name=name.key)
    try:
        answer = yield from call_server(lambda client: client.variables.GetVariable, request, GetVariableResponse)
    except ObjectNotFound as error:
        raise TemplateError(
            f"{name.text} needs the variable {name.key!r}, which is not there. Make it with `antiphon variable set "
            f"{name.key} VALUE`."
        ) from error
    return json.loads(answer.variable.value)


def _block(name: Name) -> Work[Any]:
    slug, _, own = name.key.partition("/")
    request = GetBlockDocumentRequest(name=BlockDocumentName(block_type_slug=slug, name=own), include_secrets=True)
    try:
        answer = yield from call_server(
            lambda client: client.blocks.GetBlockDocument, request, GetBlockDocumentResponse
        )
    except BlockNotFound as error:
        raise TemplateError(
            f"{name.text} needs the block {name.key!r}, which is not there. `antiphon block ls` has those there are."
        ) from error
    values = values_of(answer)
    # A block of one value, such as a secret, stands for that.
    return values["value"] if values.keys() == {"value"} else values
