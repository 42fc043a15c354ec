"""The contract as data: every method that the server serves, and arbitrary messages for it."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from antiphon_server.rpc.on_demand import OURS
from antiphon_server.server import SERVICES


@dataclass(frozen=True)
class Method:
    """One RPC; messages go in and come out as bytes."""

    service: str
    name: str
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    @property
    def unary(self) -> bool:
        return not (self.client_streaming or self.server_streaming)

    def call(self, channel: Any, request: Any, **options: Any) -> Any:
        """Calls with bytes, or an iterator of them; gives bytes, or an iterator of them."""
        kind = f"{'stream' if self.client_streaming else 'unary'}_{'stream' if self.server_streaming else 'unary'}"
        return getattr(channel, kind)(self.path)(request, **options)

    def __str__(self) -> str:
        return self.name


def _methods() -> list[Method]:
    for module in OURS.values():  # What the server loads on demand must be known to be described.
        importlib.import_module(module)
    pool = descriptor_pool.Default()
    return [
        Method(
            service,
            method.name,
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
            method.client_streaming,
            method.server_streaming,
        )
        for service in SERVICES
        for method in pool.FindServiceByName(service).methods
    ]


METHODS = _methods()

_INTEGERS = [0, 1, 2, -1, 3, 50, 1000, 2**31 - 1, -(2**31)]
_LONG_INTEGERS = [*_INTEGERS, 2**31, 2**63 - 1, -(2**63), 253_402_300_799, 253_402_300_800, -62_135_596_801]
_FLOATS = [0.5, 1.0, -1.0, 1000.0, 1e308, float("inf"), float("-inf"), float("nan")]
_WORDS = ["", "run_count > 99999999999999999999", "run_count >", "x" * 600, "\0\u2028😀", "no uuid"]

#: Values that are right, by the name of the field.
_RIGHT: Mapping[str, Sequence[Any]] = {
    "name": ["one", "two", ""],
    "flow_name": ["f", "g"],
    "task_key": ["clean"],
    "tags": ["x", "y"],
    "paths": [
        "tags",
        "name",
        "data",
        "description",
        "value",
        "limit",
        "active",
        "paused",
        "concurrency_limit",
        "priority",
        "work_queue_id",
    ],
    "filter": ["", 'name = "one"', "create_time > 2026-01-01T00:00:00Z", "name:o AND NOT name:x", "id:*"],
    "order_by": ["", "create_time", "create_time desc"],
    "page_token": [""],
    "etag": ["", "1", "2"],
    "value": ["1", "json/plain"],
    "key": ["one", ""],
    "resume_cursor": [""],
    "nanos": [0, 1000, 999_999_999],
    "seconds": [0, 1, 1_800_000_000],
    "level": [10, 20],
    "max_retries": [0, 1, 3],
}

#: Values that exist on the server, by the name of the field, or its full name; `id` stands for every kind of id.
Known = Mapping[str, Sequence[Any]]


def messages(descriptor: Descriptor, known: Known, depth: int = 3) -> st.SearchStrategy[Message]:
    """Messages of which any field may be set, mostly to what is right."""
    made = message_factory.GetMessageClass(descriptor)
    fields = {
        field.name: _field(field, known, depth - 1) for field in descriptor.fields if depth or not field.message_type
    }
    chosen = st.sets(st.sampled_from(sorted(fields))) | st.just(set(fields)) if fields else st.just(set[str]())

    @st.composite
    def message(draw: st.DrawFn) -> Message:
        return made(**{name: draw(fields[name]) for name in sorted(draw(chosen))})

    return message()


def _field(field: FieldDescriptor, known: Known, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = _value(field.message_type.fields_by_name["value"], known, depth)
        return st.dictionaries(st.sampled_from(["encoding", *_WORDS]), value, max_size=3)
    if field.is_repeated:
        return st.lists(_value(field, known, depth), min_size=1, max_size=3)
    return _value(field, known, depth)


def _value(field: FieldDescriptor, known: Known, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, known, depth)
    right, wild = _scalar(field)
    if field.full_name in known:
        right = st.sampled_from(known[field.full_name])
    elif field.name in known:
        right = st.sampled_from(known[field.name])
    elif field.name in _RIGHT:
        right = st.sampled_from(_RIGHT[field.name])
    elif field.name == "id" or field.name.endswith(("_id", "_ids")):
        right, wild = st.sampled_from(known["id"]), st.sampled_from([each.upper() for each in known["id"]]) | wild
    return st.integers(0, 9).flatmap(lambda choice: right if choice else wild)


def _scalar(field: FieldDescriptor) -> tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]:
    """What a field of this type may well hold, and anything at all."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.just(b"{}"), st.binary(max_size=20)
    if field.enum_type is not None:
        return st.integers(1, 4), st.integers(-1, 11)
    return {
        FieldDescriptor.CPPTYPE_STRING: (st.sampled_from(["", "json/plain"]), st.sampled_from(_WORDS) | st.text()),
        FieldDescriptor.CPPTYPE_INT32: (st.integers(0, 3), st.sampled_from(_INTEGERS)),
        FieldDescriptor.CPPTYPE_INT64: (st.integers(0, 3), st.sampled_from(_LONG_INTEGERS)),
        FieldDescriptor.CPPTYPE_UINT32: (st.integers(0, 3), st.sampled_from([0, 2**32 - 1])),
        FieldDescriptor.CPPTYPE_UINT64: (st.integers(0, 3), st.sampled_from([0, 2**63, 2**64 - 1])),
        FieldDescriptor.CPPTYPE_BOOL: (st.booleans(), st.booleans()),
        FieldDescriptor.CPPTYPE_DOUBLE: (st.just(0.0), st.sampled_from(_FLOATS)),
    }[field.cpp_type]
