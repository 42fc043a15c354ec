"""What the board says of services."""

import pytest

from antiphon_server.domain.errors import Unavailable
from antiphon_server.services.board import Board

SECOND = 1_000_000


def test_what_rounds_leave_on_the_board() -> None:
    now = [10 * SECOND]
    board = Board(lambda: now[0])
    board.add("late", "marks late runs", 5.0)
    board.add("other", "waits for something to do")
    late, other = board.all()
    assert (late.rounds, late.start_time, late.lag, late.interval, other.interval) == (0, None, 0, 5.0, 0.0)
    with board.round("late"):
        assert late.running
        now[0] += SECOND
    assert (late.running, late.rounds, late.start_time, late.end_time) == (False, 1, 10 * SECOND, 11 * SECOND)
    now[0] += 8 * SECOND
    with pytest.raises(ValueError, match="a bug"), board.round("late"):
        raise ValueError("a bug")
    assert (late.lag, late.rounds, late.failures, late.last_error) == (3 * SECOND, 2, 1, "ValueError: a bug")
    with board.round("late") as made:
        made.was_due(now[0] - 7)
    assert (late.lag, late.last_error, late.failures) == (7, "", 1)
    with board.round("late") as made:
        made.failed(ValueError("a bug"))
        made.failed(Unavailable("STORAGE_FULL", "the disk is full"))
    assert (late.last_error, late.failures) == ("Unavailable: the disk is full", 2), "a round fails once"
    with board.round("other"):
        pass
    assert other.lag == 0
