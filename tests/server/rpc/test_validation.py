"""Field rules, on messages that hold more than anybody would read."""

import time
from typing import Any

import pytest

from antiphon.v1 import (
    concurrency_limit_service_pb2,
    flow_run_service_pb2,
    log_service_pb2,
    session_pb2,
    session_service_pb2,
    work_service_pb2,
)
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.rpc.validation import LARGE, MOST, check, check_items

#: Seconds for eight million items. Looked at one by one they took more than a minute.
SOON = 15.0
MILLIONS = 8_000_000


def refused(message: Any, field: str = "") -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        check_items(message, field) if field else check(message)
    assert caught.value.reason == "FIELD_INVALID"
    return caught.value


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (lambda: log_service_pb2.CreateLogsRequest.FromString(b"\x0a\x00" * MILLIONS), "logs"),
        (
            lambda: work_service_pb2.WorkRequest(hello={"deployment_ids": [""] * (MILLIONS // 8)}),
            "hello.deployment_ids",
        ),
        (
            lambda: work_service_pb2.WorkRequest(hello={"labels": dict.fromkeys(map(str, range(9_000)), "x")}),
            "hello.labels",
        ),
        (
            lambda: flow_run_service_pb2.CreateFlowRunRequest(flow_run={"tags": ["a"] * (MILLIONS // 8)}),
            "flow_run.tags",
        ),
    ],
    ids=["lines", "inside", "pairs", "right ones"],
)
def test_a_list_that_is_too_long_is_counted_and_not_looked_through(message: Any, path: str) -> None:
    said = message()
    began = time.monotonic()
    error = refused(said)
    assert time.monotonic() - began < SOON
    assert error.violations[0][0] == path
    assert "must contain no more than" in error.message


@pytest.mark.parametrize(
    ("kind", "field", "item"),
    [
        (session_service_pb2.AttachRequest, "frames", b"\x0a\x00"),
        (session_service_pb2.UploadRequest, "logs", b"\x12\x00"),
    ],
)
def test_so_are_items_that_are_checked_one_by_one(kind: Any, field: str, item: bytes) -> None:
    said = kind.FromString(item * MILLIONS)
    began = time.monotonic()
    error = refused(said, field)
    assert time.monotonic() - began < SOON
    assert error.violations[0][0] == field


def test_a_list_within_an_item_is_counted_too() -> None:
    frame = session_pb2.ClientFrame(sequence=1, create_task_run={"task_key": "t", "tags": ["a"] * LARGE})
    error = refused(session_service_pb2.AttachRequest(frames=[frame]), "frames")
    assert error.violations[0][0] == "frames[0].create_task_run.tags"


def test_of_a_small_message_all_is_told_and_of_a_large_one_the_first() -> None:
    small = log_service_pb2.CreateLogsRequest(logs=[{"level": -1}] * 3)
    assert len(refused(small).violations) == 6
    large = log_service_pb2.CreateLogsRequest(logs=[{"level": -1, "message": "x" * LARGE}] * (MOST + 1))
    assert [path for path, _ in refused(large).violations] == ["logs[0].level"]


def test_an_item_that_is_wrong_leaves_the_others_alone_in_a_large_message() -> None:
    line = {"level": 20, "message": "x" * LARGE, "create_time": {"seconds": 1}}
    request = session_service_pb2.UploadRequest(logs=[line, {**line, "level": -1}, line])
    look = check_items(request, "logs")
    assert look is not None
    look(request.logs[0], "logs[0].")
    with pytest.raises(InvalidArgument, match=r"^logs\[1\]\.level: "):
        look(request.logs[1], "logs[1].")
    assert check_items(session_service_pb2.UploadRequest(logs=[line, line]), "logs") is None


def test_what_is_wrong_besides_the_items_is_told_in_a_large_message() -> None:
    frame = session_pb2.ClientFrame(sequence=1, create_flow_run={"flow_name": "x" * LARGE})
    said = session_service_pb2.ExchangeFramesRequest(frames=[frame])
    assert [path for path, _ in refused(said, "frames").violations] == ["resume_token"]
    said.resume_token = "one"
    assert check_items(said, "frames") is not None


def test_an_update_is_looked_through_though_its_first_fault_does_not_count() -> None:
    run = {"id": "0190163d-8694-739b-aea5-966c26f8ad90", "name": "x" * LARGE, "tags": [""]}
    request = flow_run_service_pb2.UpdateFlowRunRequest(flow_run=run, update_mask={"paths": ["tags"]})
    assert [path for path, _ in refused(request).violations] == ["flow_run.tags[0]"]
    del request.flow_run.tags[:]
    check(request)


#: A group of a field that nobody knows, and in it a field of the number 0, which none may have. One reader passes it
#: by, another does not.
UNREADABLE = b"\x9b\x06\x00\x00\x9c\x06"


def test_what_the_second_reader_cannot_read_is_refused_too() -> None:
    said = concurrency_limit_service_pb2.ReleaseSlotsRequest.FromString(UNREADABLE)
    with pytest.raises(InvalidArgument, match="cannot be read") as caught:
        check(said)
    assert caught.value.reason == "MESSAGE_INVALID"
