"""The bulk lane over a real Unix socket."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from antiphon.session.log_journal import MAX_ON_THE_WAY
from antiphon.session.uploader import LogUploader
from antiphon.v1.log_pb2 import Log
from session_server import SessionServer

PATIENCE = 20.0


@pytest.fixture
def open_uploader(server: SessionServer) -> Iterator[Callable[..., LogUploader]]:
    opened: list[LogUploader] = []

    def open_one(**options: Any) -> LogUploader:
        opened.append(LogUploader(lambda: server.target, **options))
        return opened[-1]

    yield open_one
    for uploader in opened:
        uploader.close(0.0)


Open = Callable[..., LogUploader]


def line(message: str, level: int = logging.INFO) -> Log:
    log = Log(message=message, level=level)
    log.create_time.GetCurrentTime()
    return log


def test_lines_arrive_by_themselves_in_order(server: SessionServer, open_uploader: Open) -> None:
    uploader = open_uploader(linger=0.01)
    for number in range(10):
        uploader.put(line(str(number)))
    server.wait_for(lambda: len(server.logs) == 10)
    assert list(server.logs.values()) == [str(number) for number in range(10)]


def test_flush_waits_for_the_servers_word_and_not_for_company(server: SessionServer, open_uploader: Open) -> None:
    uploader = open_uploader(linger=60.0)
    assert uploader.flush(0.0), "nothing was put, nothing is opened"
    for number in range(2500):
        uploader.put(line(str(number)))
    assert uploader.flush(PATIENCE)
    assert len(server.logs) == 2500 and max(server.batches) <= 1000


def test_a_cut_loses_no_line_and_doubles_none(
    server: SessionServer, open_uploader: Open, caplog: pytest.LogCaptureFixture
) -> None:
    server.upload_cuts = 3
    uploader = open_uploader()
    with caplog.at_level(logging.INFO, "antiphon.session"):
        for number in range(3000):
            uploader.put(line(str(number)))
        assert uploader.flush(PATIENCE)
    assert sorted(map(int, server.logs.values())) == list(range(3000))
    # Other servers of this process have something to say of their own.
    texts = [record.getMessage() for record in caplog.records if record.name.startswith("antiphon.session")]
    assert [text[:20] for text in texts] == ["Logs cannot be sent ", "The server takes log"]


def test_a_flood_while_the_server_is_away_never_blocks_and_is_told(server: SessionServer, open_uploader: Open) -> None:
    server.stop()
    uploader = open_uploader(max_lines=100)
    for number in range(5000):
        uploader.put(line(str(number), logging.DEBUG))
    uploader.put(line("important", logging.ERROR))
    assert not uploader.flush(0.01)
    server.start()
    assert uploader.flush(PATIENCE)
    # What is on its way to a server that is not there is kept beside the queue, and reports as often as it is filled.
    reports = [each for each in server.logs.values() if "log lines before this one were dropped" in each]
    arrived = [each for each in server.logs.values() if each not in reports]
    dropped = sum(int(each.split()[0]) for each in reports)
    assert dropped + len(arrived) == 5001, "each line arrives or is counted"
    assert 0 < len(arrived) <= 100 * (1 + MAX_ON_THE_WAY)
    assert "important" in arrived and all("(DEBUG " in each for each in reports)


def test_a_line_that_the_server_refuses_does_not_stop_the_others(
    server: SessionServer, open_uploader: Open, caplog: pytest.LogCaptureFixture
) -> None:
    server.poison = "7"
    uploader = open_uploader()
    for number in range(20):
        uploader.put(line(str(number)))
    assert uploader.flush(PATIENCE)
    uploader.put(line("last"))
    assert uploader.flush(PATIENCE)
    messages = list(server.logs.values())
    assert [each for each in messages if each.isdigit()] == [str(each) for each in range(20) if each != 7]
    assert messages[-1] == "last" and any("1 log lines" in each for each in messages)
    assert "The server refuses a log line" in caplog.text


def test_close_says_what_could_not_be_sent(
    server: SessionServer, open_uploader: Open, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    uploader = open_uploader()
    uploader.put(line("lost"))
    begin = time.monotonic()
    assert not uploader.close(0.05)
    assert time.monotonic() - begin < 5
    assert "1 log lines could not be sent" in caplog.text
    uploader.put(line("too late"))
    assert uploader.flush(0.0)
    server.start()


def test_a_silent_server_bounds_what_is_on_its_way(server: SessionServer, open_uploader: Open) -> None:
    server.mute = True
    uploader = open_uploader(max_lines=1000)
    for number in range(20_000):
        uploader.put(line(str(number)))
    assert not uploader.flush(0.01)
    with server.changed:
        server.mute = False
        server.changed.notify_all()
    assert uploader.flush(PATIENCE)
    assert "19999" in server.logs.values()
