"""Field rules of the contract, checked on each message that comes in."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from antiphon._vendor import validate_pb2
from antiphon_server.domain.errors import InvalidArgument

_validator = protovalidate.Validator()

#: Violations that are told; a message of a thousand wrong items needs no thousand lines.
MOST = 20
#: Bytes of a message beyond which its lists are counted before anything is looked at, and only the first violation is
#: looked for: sixteen megabytes may hold eight million wrong items.
LARGE = 16 * 1024

#: Checks one item, whose path it is told.
ItemCheck: TypeAlias = Callable[[Message, str], None]


def check(message: Message, prefix: str = "") -> None:
    """Raises InvalidArgument (FIELD_INVALID) with a violation for each field that breaks its rule, of a large message
    with the first one."""
    large = message.ByteSize() > LARGE
    if large:
        _check_counts(message, prefix)
    _check(message, prefix, first_only=large)


def check_items(message: Message, field: str) -> ItemCheck | None:
    """The same for all but the items of one repeated field, whose number is checked. Gives what each item is to be
    checked with; None where all keep their rules. One look at the whole message is much cheaper than one at each
    item."""
    large = message.ByteSize() > LARGE
    if large:
        _check_counts(message, "")
    violations = _violations(message, first_only=large)
    others = [violation for violation in violations if not _of_item(violation, field)]
    if violations and large and not others:  # The first one hides the others.
        others = [each for each in _violations(_without(message, field)) if _path(each) != field]
    if others:
        raise _told(others, "")
    if not violations:
        return None
    return _check_briefly if large else check


def _check_briefly(item: Message, prefix: str) -> None:
    _check(item, prefix, first_only=True)


def _check(message: Message, prefix: str, *, first_only: bool) -> None:
    # Of an update the first one may be about a field that is not looked at.
    first_only = first_only and "update_mask" not in message.DESCRIPTOR.fields_by_name
    violations = [each for each in _violations(message, first_only=first_only) if not _ignored(message, each)]
    if violations:
        raise _told(violations, prefix)


def _violations(message: Message, *, first_only: bool = False) -> Sequence[protovalidate.Violation]:
    try:
        return _validator.collect_violations(message, fail_fast=first_only)
    except protovalidate.CompilationError as error:  # a rule of ours that cannot work is a bug, not bad input
        raise RuntimeError(f"a validation rule is wrong: {error}") from error
    except ValueError as error:
        # It reads the bytes anew, and of fields that nobody knows its reader lets less pass than the one before it.
        raise InvalidArgument(
            "MESSAGE_INVALID",
            f"the message holds what cannot be read, besides the fields of the contract ({error}); send it as the "
            "generated code writes it",
        ) from None


def _of_item(violation: protovalidate.Violation, field: str) -> bool:
    return _path(violation).startswith(f"{field}[")


def _without(message: Message, field: str) -> Message:
    """A copy of it that lacks one field."""
    others = type(message)()
    others.CopyFrom(message)
    others.ClearField(field)
    return others


def _check_counts(message: Message, prefix: str) -> None:
    """Raises InvalidArgument (FIELD_INVALID) for the first list that is longer than its rule lets it be."""
    for field, value in message.ListFields():
        path = prefix + field.name
        if field.is_repeated:
            most = _most(field)
            if most and len(value) > most:
                raise _refusal([(path, f"must contain no more than {most} item(s)")])
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            for index, item in enumerate(value):
                _check_counts(item, f"{path}[{index}].")
        else:
            _check_counts(value, f"{path}.")


@cache
def _most(field: FieldDescriptor) -> int:
    """How many items a list, or pairs a map, may have; 0 for any number."""
    options: Any = field.GetOptions()
    rules = options.Extensions[validate_pb2.field]
    return int(rules.repeated.max_items or rules.map.max_pairs)


def _ignored(message: Message, violation: protovalidate.Violation) -> bool:
    """Whether it is about a field that an update does not name. Such a field is not looked at, so it may be missing."""
    if "update_mask" not in message.DESCRIPTOR.fields_by_name:
        return False
    where = violation.proto.field
    names = [element.field_name for element in where.elements] if where is not None else []
    mask: FieldMask = getattr(message, "update_mask")  # noqa: B009 - no message is known to have one
    return len(names) > 1 and names[0] != "update_mask" and names[1] not in ("id", "etag", *mask.paths)


def _told(found: Sequence[protovalidate.Violation], prefix: str) -> InvalidArgument:
    violations = [
        (prefix + _path(violation), violation.proto.message or violation.proto.rule_id) for violation in found[:MOST]
    ]
    # The number goes first, since long texts are cut.
    return _refusal(violations, f"{len(found)} fields are wrong: " if len(found) > MOST else "")


def _refusal(violations: Sequence[tuple[str, str]], preface: str = "") -> InvalidArgument:
    told = InvalidArgument("FIELD_INVALID", preface + "; ".join(f"{path}: {what}" for path, what in violations))
    told.violations = tuple(violations)
    return told


def _path(violation: protovalidate.Violation) -> str:
    field = violation.proto.field
    parts = []
    for element in field.elements if field is not None else ():
        subscript = element.subscript
        parts.append(f"{element.field_name}[{subscript.value}]" if subscript is not None else element.field_name)
    return ".".join(parts)
