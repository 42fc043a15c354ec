"""The bulk lane without sockets: what is dropped, what goes together, what is sent again."""

import logging

import pytest

from antiphon.session.log_journal import MAX_BATCH_BYTES, MAX_BATCH_LINES, MAX_ON_THE_WAY, LogJournal
from antiphon.session.log_queue import Line, LogQueue
from antiphon.v1.log_pb2 import Log
from antiphon.v1.session_service_pb2 import UploadRequest

NOW_NANOSECONDS = 1_700_000_000_000_000_000


def log(message: str, level: int = logging.INFO, flow_run_id: str = "") -> Log:
    return Log(message=message, level=level, flow_run_id=flow_run_id)


def request(journal: LogJournal, now: float) -> UploadRequest | None:
    wire = journal.next_request(now, NOW_NANOSECONDS)
    return None if wire is None else UploadRequest.FromString(wire)


def messages(upload: UploadRequest | None) -> list[str]:
    assert upload is not None
    return [each.message for each in upload.logs]


@pytest.fixture
def journal() -> LogJournal:
    return LogJournal(max_lines=10_000, max_bytes=1 << 30, linger=0.1)


def test_levels_keep_their_common_order() -> None:
    queue = LogQueue(100, 1 << 20)
    for order, level in enumerate([20, 10, 40, 10, 20], 1):
        queue.put(Line(order, log(str(order), level)))
    assert [line.order for line in queue.take(3, 1 << 20)] == [1, 2, 3]
    assert queue.oldest == 4 and queue.lines == 2
    assert [line.order for line in queue.take(9, 1)] == [4], "one line at least"
    assert [line.order for line in queue.take(9, 1)] == [5]
    assert queue.oldest is None and queue.lines == queue.bytes == 0


def test_a_full_queue_drops_the_oldest_of_the_lowest_level() -> None:
    queue = LogQueue(3, 1 << 20)
    for order, level in enumerate([20, 10, 10, 40, 40, 10, 20], 1):
        queue.put(Line(order, log(str(order), level, "run")))
    assert [line.order for line in queue.take(9, 1 << 20)] == [4, 5, 7]
    assert queue.take_dropped() == ({10: 3, 20: 1}, "run")
    assert queue.take_dropped() == ({}, "")


def test_bytes_are_bounded_too() -> None:
    queue = LogQueue(1000, 10_000)
    for order in range(50):
        queue.put(Line(order, log("x" * 1000)))
    assert queue.bytes <= 10_000 and 5 < queue.lines < 10
    assert sum(queue.take_dropped()[0].values()) == 50 - queue.lines


def test_lines_wait_for_company_but_not_for_long(journal: LogJournal) -> None:
    assert journal.put(log("a"), 100.0), "the sender must set its alarm"
    assert not journal.put(log("b"), 100.05)
    assert request(journal, 100.05) is None
    assert journal.wait(100.05) == pytest.approx(0.05)
    assert messages(request(journal, 100.11)) == ["a", "b"]
    assert request(journal, 200.0) is None and journal.wait(200.0) is None


def test_a_full_batch_and_a_flush_do_not_wait(journal: LogJournal) -> None:
    woke = [journal.put(log(str(number)), 100.0) for number in range(MAX_BATCH_LINES + 5)]
    assert woke[0] and not any(woke[1:-6]) and all(woke[-6:])
    assert len(messages(request(journal, 100.0))) == MAX_BATCH_LINES
    assert request(journal, 100.0) is None
    journal.hurry()
    assert len(messages(request(journal, 100.0))) == 5


def test_a_batch_is_bounded_in_bytes(journal: LogJournal) -> None:
    for _ in range(5):
        journal.put(log("x" * (MAX_BATCH_BYTES // 2 - 100)), 100.0)
    assert len(messages(request(journal, 100.0))) == 2


def test_lines_get_ids_and_what_was_on_its_way_is_sent_again_with_them(journal: LogJournal) -> None:
    for number in range(3):
        journal.put(log(str(number)), 100.0)
        journal.hurry()
        request(journal, 100.0)
    journal.stored(1)
    order = journal.hurry()
    assert not journal.stored_up_to(order) and journal.lines == 2
    journal.disconnected()
    again = [request(journal, 100.0), request(journal, 100.0)]
    assert [messages(each) for each in again] == [["1"], ["2"]]
    assert [each.sequence for each in again if each] == [4, 5]
    assert all(line.id for each in again if each for line in each.logs)
    journal.stored(5)
    assert journal.stored_up_to(order) and journal.lines == 0


def test_only_so_many_batches_are_on_their_way(journal: LogJournal) -> None:
    for _ in range(MAX_BATCH_LINES * (MAX_ON_THE_WAY + 1)):
        journal.put(log("x"), 100.0)
    requests = [request(journal, 100.0) for _ in range(MAX_ON_THE_WAY + 1)]
    assert requests[-1] is None and all(requests[:-1])
    assert journal.wait(100.0) is None, "only an answer can help"
    journal.stored(1)
    assert request(journal, 100.0) is not None


def test_what_was_dropped_is_said_in_one_line_before_the_next() -> None:
    journal = LogJournal(max_lines=2, max_bytes=1 << 20, linger=0.0)
    for number in range(5):
        journal.put(log(str(number), logging.DEBUG if number % 2 else logging.INFO, "run"), 100.0)
    upload = request(journal, 100.0)
    assert upload is not None
    report = upload.logs[0]
    assert messages(upload)[1:] == ["2", "4"]
    assert report.level == logging.WARNING and report.flow_run_id == "run" and report.id
    assert report.message.startswith("3 log lines before this one were dropped")
    assert "(DEBUG 2, INFO 1)" in report.message
    assert report.create_time.ToNanoseconds() == NOW_NANOSECONDS
    journal.put(log("next"), 100.0)
    assert messages(request(journal, 100.0)) == ["next"]


def test_a_line_that_is_refused_is_dropped_and_told_of(journal: LogJournal) -> None:
    for number in range(3):
        journal.put(log(str(number), logging.ERROR if number == 1 else logging.INFO), 100.0)
    order = journal.hurry()
    upload = request(journal, 100.0)
    assert upload is not None and len(upload.logs) == 3
    journal.stored(upload.sequence, [1, 7])
    assert journal.lines == 0 and journal.stored_up_to(order)
    journal.put(log("next"), 100.0)
    journal.hurry()
    report, following = messages(request(journal, 100.0))
    assert report.startswith("1 log lines before this one were dropped (ERROR 1)") and following == "next"
