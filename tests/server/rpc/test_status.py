"""Errors on the wire: whatever their texts are, they fit into a call's trailers."""

import base64
from urllib.parse import quote

import pytest
from google.rpc import error_details_pb2

from antiphon_server.domain.errors import AlreadyExists, AntiphonError, FailedPrecondition, InvalidArgument
from antiphon_server.rpc.status import to_status
from refusals import refusal_in

TEXTS = ["x" * 100_000, "\U0001f600" * 5000, "\n" * 5000, "\ud800" * 5000]


def invalid(text: str) -> InvalidArgument:
    error = InvalidArgument("FIELD_INVALID", text)
    error.violations = tuple((f"{text}[{i}]", text) for i in range(20))
    return error


@pytest.mark.parametrize("text", TEXTS, ids=["long", "emoji", "lines", "surrogates"])
@pytest.mark.parametrize(
    "make",
    [
        lambda text: AlreadyExists("FLOW_EXISTS", text),
        lambda text: FailedPrecondition("RUN_TERMINAL", text, retry_after=1),
        lambda text: InvalidArgument("FIELD_INVALID", text, field=text),
        invalid,
    ],
)
def test_long_texts_are_cut_to_what_trailers_hold(make: type[AntiphonError], text: str) -> None:
    status = to_status(make(text))  # type: ignore[call-arg, arg-type]
    assert status.message.endswith(" ...")
    assert len(base64.b64encode(status.SerializeToString())) + len(quote(status.message)) < 7500
    assert refusal_in(status).reason


def test_texts_of_usual_length_stay_whole() -> None:
    error = InvalidArgument("FIELD_INVALID", "m" * 1000)
    error.violations = tuple((f"tags[{i}]", "d" * 50) for i in range(20))
    status = to_status(error)
    assert status.message == error.message
    told = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(told)
    assert [(each.field, each.description) for each in told.field_violations] == list(error.violations)
