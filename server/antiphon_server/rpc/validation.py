"""Field rules of the contract, checked on each message that comes in."""

import protovalidate
from google.protobuf.message import Message

from antiphon_server.domain.errors import InvalidArgument

_validator = protovalidate.Validator()

#: Violations that are told; a message of a thousand wrong items needs no thousand lines.
MOST = 20


def check(message: Message, prefix: str = "") -> None:
    """Raises InvalidArgument (FIELD_INVALID) with a violation for each field that breaks its rule."""
    try:
        _validator.validate(message)
    except protovalidate.ValidationError as error:
        raise _told(error, prefix) from None
    except protovalidate.CompilationError as error:  # a rule of ours that cannot work is a bug, not bad input
        raise RuntimeError(f"a validation rule is wrong: {error}") from error


def _told(error: protovalidate.ValidationError, prefix: str) -> InvalidArgument:
    violations = tuple(
        (prefix + _path(violation), violation.proto.message or violation.proto.rule_id)
        for violation in error.violations[:MOST]
    )
    text = "; ".join(f"{field}: {description}" for field, description in violations)
    more = len(error.violations) - len(violations)
    told = InvalidArgument("FIELD_INVALID", text + (f"; and {more} more" if more > 0 else ""))
    told.violations = violations
    return told


def _path(violation: protovalidate.Violation) -> str:
    field = violation.proto.field
    parts = []
    for element in field.elements if field is not None else ():
        subscript = element.subscript
        parts.append(f"{element.field_name}[{subscript.value}]" if subscript is not None else element.field_name)
    return ".".join(parts)
