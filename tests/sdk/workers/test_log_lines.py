"""Output that is followed over cuts."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from antiphon.workers.log_lines import LONGEST, Output, TimedLines


def stamped(*lines: tuple[int, str]) -> bytes:
    """Lines with times, by nanoseconds after ten."""
    return b"".join(f"2026-11-27T10:00:{at // 10**9:02d}.{at % 10**9:09d}Z {text}\n".encode() for at, text in lines)


def test_times_are_taken_off_and_lines_are_whole() -> None:
    lines = TimedLines()
    data = stamped((1, "one"), (2, "two three"), (3, ""))
    assert [line for at in range(len(data)) for line in lines.feed(data[at : at + 1])] == ["one", "two three", ""]
    assert lines.since == datetime(2026, 11, 27, 10, tzinfo=UTC)


def test_what_has_no_end_comes_at_the_end() -> None:
    lines = TimedLines()
    assert list(lines.feed(stamped((1, "one"))[:-1])) == []
    assert list(lines.end()) == ["one"]
    assert list(lines.end()) == []


def test_what_has_no_time_is_told_too() -> None:
    assert list(TimedLines().feed(b"an error of the engine\nrpc error: x\n")) == [
        "an error of the engine",
        "rpc error: x",
    ]


def test_a_line_that_never_ends_is_told_in_pieces() -> None:
    assert len(list(TimedLines().feed(b"x" * (LONGEST + 1)))) == 1


def test_short_fractions_compare_as_times() -> None:
    lines = TimedLines()
    assert list(lines.feed(b"2026-11-27T10:00:00.5Z a\n2026-11-27T10:00:00.50001Z b\n2026-11-27T10:00:01Z c\n")) == [
        "a",
        "b",
        "c",
    ]
    lines.begin()
    assert list(lines.feed(b"2026-11-27T10:00:00.50001Z b\n2026-11-27T10:00:01Z c\n2026-11-27T10:00:01.1Z d\n")) == [
        "d"
    ]


def by_seconds(times: list[int]) -> list[int]:
    """An engine that reads two outputs side by side mixes up what is close together."""
    return sorted(times, key=lambda at: at // 10**9)


@given(st.lists(st.integers(0, 4 * 10**9), max_size=12).map(by_seconds), st.data())
def test_nothing_is_lost_or_told_twice_over_cuts(times: list[int], data: st.DataObject) -> None:
    """Also where many lines have one time or are not in order, and wherever it is cut."""
    all_lines = [(at, f"line {number}") for number, at in enumerate(times)]
    whole = stamped(*all_lines)
    lines, told = TimedLines(), []
    for _ in range(data.draw(st.integers(0, 3))):
        since = lines.since
        first = 0 if since is None else since.second * 10**9
        told += list(
            lines.feed(
                stamped(*(each for each in all_lines if each[0] >= first))[: data.draw(st.integers(0, len(whole)))]
            )
        )
        lines.begin()
    since = lines.since
    first = 0 if since is None else since.second * 10**9
    told += list(lines.feed(stamped(*(each for each in all_lines if each[0] >= first))))
    assert told == [text for _, text in all_lines]


def test_a_line_that_is_late_is_told() -> None:
    lines = TimedLines()
    late = stamped((2 * 10**9, "second"), (10**9, "first"))
    assert list(lines.feed(late)) == ["second", "first"]


def test_the_last_lines_are_kept() -> None:
    said: list[str] = []
    output = Output(said.append, keep=2)
    for line in ("a", "b", "c"):
        output.add(line)
    assert (said, output.last) == (["a", "b", "c"], ["b", "c"])
