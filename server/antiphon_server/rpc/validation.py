"""Field rules of the contract, checked on each message that comes in."""

from collections.abc import Sequence

import protovalidate
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from antiphon_server.domain.errors import InvalidArgument

_validator = protovalidate.Validator()

#: Violations that are told; a message of a thousand wrong items needs no thousand lines.
MOST = 20


def check(message: Message, prefix: str = "") -> None:
    """Raises InvalidArgument (FIELD_INVALID) with a violation for each field that breaks its rule."""
    violations = [violation for violation in _violations(message) if not _ignored(message, violation)]
    if violations:
        raise _told(violations, prefix)


def check_items(message: Message, field: str) -> bool:
    """The same for all but the items of one repeated field, whose number is checked; says whether those keep their
    rules. One look at the whole message is much cheaper than one at each item."""
    violations = _violations(message)
    others = [violation for violation in violations if not _path(violation).startswith(f"{field}[")]
    if others:
        raise _told(others, "")
    return not violations


def _violations(message: Message) -> Sequence[protovalidate.Violation]:
    try:
        _validator.validate(message)
    except protovalidate.ValidationError as error:
        return error.violations
    except protovalidate.CompilationError as error:  # a rule of ours that cannot work is a bug, not bad input
        raise RuntimeError(f"a validation rule is wrong: {error}") from error
    return ()


def _ignored(message: Message, violation: protovalidate.Violation) -> bool:
    """Whether it is about a field that an update does not name. Such a field is not looked at, so it may be missing."""
    if "update_mask" not in message.DESCRIPTOR.fields_by_name:
        return False
    where = violation.proto.field
    names = [element.field_name for element in where.elements] if where is not None else []
    mask: FieldMask = getattr(message, "update_mask")  # noqa: B009 - no message is known to have one
    return len(names) > 1 and names[0] != "update_mask" and names[1] not in ("id", "etag", *mask.paths)


def _told(found: Sequence[protovalidate.Violation], prefix: str) -> InvalidArgument:
    violations = tuple(
        (prefix + _path(violation), violation.proto.message or violation.proto.rule_id) for violation in found[:MOST]
    )
    text = "; ".join(f"{field}: {description}" for field, description in violations)
    # The number goes first, since long texts are cut.
    told = InvalidArgument("FIELD_INVALID", text if len(found) <= MOST else f"{len(found)} fields are wrong: {text}")
    told.violations = violations
    return told


def _path(violation: protovalidate.Violation) -> str:
    field = violation.proto.field
    parts = []
    for element in field.elements if field is not None else ():
        subscript = element.subscript
        parts.append(f"{element.field_name}[{subscript.value}]" if subscript is not None else element.field_name)
    return ".".join(parts)
