"""What is known of the call that the running code belongs to, for lines of the log: looked at where one is written."""

from contextvars import ContextVar
from typing import Any

from google.protobuf.message import Message

from antiphon_server.rpc.trace_context import own_span

#: Where requests name runs and sessions: the fields themselves, and messages that have such fields.
_IDS = ("flow_run_id", "task_run_id", "session_id")
_WITHIN = ("proposal",)
#: Messages whose own `id` is a run's, and services whose requests name a run by `id`.
_RUNS = {"flow_run": "flow_run_id", "task_run": "task_run_id"}
_SERVICES = {"FlowRunService": "flow_run_id", "TaskRunService": "task_run_id"}


class Call:
    """One call."""

    __slots__ = ("context", "method", "request", "session_id")

    def __init__(self, method: str, context: Any) -> None:
        self.method = method
        self.context = context
        #: The message of a unary call, once it was read.
        self.request: Message | None = None
        #: Of a stream, once it is known.
        self.session_id = ""


current: ContextVar[Call | None] = ContextVar("antiphon_server_call", default=None)


def note_request(request: Message) -> None:
    """The call's message was read."""
    call = current.get()
    if call is not None:
        call.request = request


def note_session(session_id: str) -> None:
    """The call is that of a session."""
    call = current.get()
    if call is not None:
        call.session_id = session_id


def facts() -> dict[str, object]:
    """`method`, `peer`, and what the call names: `request_id`, `flow_run_id`, `task_run_id`, `session_id`, `trace_id`.
    Empty outside of calls."""
    call = current.get()
    if call is None:
        return {}
    found: dict[str, object] = {"method": call.method, "peer": call.context.peer()}
    if call.session_id:
        found["session_id"] = call.session_id
    if call.request is not None:
        found.update(_named(call.request, call.method))
    if span := own_span.get():
        found["trace_id"] = span.split("-")[1]
    return found


def _named(request: Message, method: str) -> dict[str, object]:
    fields = request.DESCRIPTOR.fields_by_name
    found: dict[str, object] = {}
    if id := _text(request, "request_id"):
        found["request_id"] = id
    for name in _IDS:
        if id := _text(request, name):
            found[name] = id
    service = method.rpartition("/")[0].rpartition(".")[2]
    if service in _SERVICES and (id := _text(request, "id")):
        found.setdefault(_SERVICES[service], id)
    for name, key in _RUNS.items():
        if name in fields and (id := _text(getattr(request, name), "id")):
            found.setdefault(key, id)
    for name in _WITHIN:
        if name in fields:
            found.update({each: id for each in _IDS if (id := _text(getattr(request, name), each))})
    return found


def _text(message: Any, name: str) -> str:
    """A field's text; empty where there is no such field, or it is no text."""
    value = getattr(message, name, "")
    return value if isinstance(value, str) else ""
