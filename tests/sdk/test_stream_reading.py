"""Reading a stream on a thread of its own."""

import threading
from collections.abc import Iterator

import pytest

from antiphon.stream_reading import _AHEAD, read_apart


def test_it_yields_what_the_stream_yields_and_raises_what_it_raises() -> None:
    def answers() -> Iterator[int]:
        yield from range(100)
        raise KeyError("the end")

    seen: list[int] = []
    with pytest.raises(KeyError, match="the end"):
        seen.extend(read_apart(answers()))
    assert list(read_apart(iter(range(100)))) == list(range(100))
    assert not list(read_apart(()))


def test_what_nobody_takes_stays_at_the_server_and_who_leaves_ends_the_thread() -> None:
    taken: list[int] = []
    full = threading.Event()
    reader: list[threading.Thread] = []

    def answers() -> Iterator[int]:
        reader.append(threading.current_thread())
        for number in range(1_000):
            taken.append(number)
            if len(taken) > _AHEAD:
                full.set()
            yield number

    reading = read_apart(answers())
    assert next(reading) == 0
    assert full.wait(30)
    assert len(taken) == _AHEAD + 1
    reading.close()  # type: ignore[attr-defined]
    reader[0].join(30)
    assert not reader[0].is_alive()
    assert reader[0] is not threading.current_thread()
