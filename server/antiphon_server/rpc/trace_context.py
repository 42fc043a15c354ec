"""The trace that a unary call is part of, as its metadata tells it by W3C Trace Context."""

import re
from contextvars import ContextVar
from typing import Any

TRACEPARENT = "traceparent"

#: The server's own span of the call, where it makes spans.
own_span: ContextVar[str] = ContextVar("antiphon_server_span", default="")

_FORM = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent_of(context: Any) -> str:
    """What is done by this call is part of that span; empty for none. One that is malformed is none, as the standard
    has it."""
    return own_span.get() or caller_of(context)


def caller_of(context: Any) -> str:
    """The span of the caller; likewise."""
    told = next((value for key, value in context.invocation_metadata() or () if key == TRACEPARENT), "")
    return told if isinstance(told, str) and _FORM.fullmatch(told) else ""
