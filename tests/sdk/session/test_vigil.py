"""When to look whether the server is there, and when to leave it, on a clock that the test holds."""

from antiphon.session.vigil import LEAVING_PATIENCE, LONGEST_PATIENCE, LOOK_AFTER, LOOK_PATIENCE, Due, Vigil


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def nothing() -> bool:
    return False


def more() -> bool:
    return True


def test_who_hangs_is_left_in_time_to_be_elsewhere_within_two_seconds() -> None:
    assert LOOK_AFTER + LOOK_PATIENCE <= 1.5


def test_it_is_due_when_no_word_came_after_something_was_said() -> None:
    clock = Clock()
    vigil = Vigil(clock=clock)
    assert vigil.due() is Due.NOTHING and vigil.wait() is None
    vigil.said()
    clock.now += 0.5
    vigil.said()
    assert vigil.wait() == LOOK_AFTER - 0.5
    clock.now += LOOK_AFTER - 0.5
    assert vigil.due() is Due.LOOK and vigil.wait() == 0.0


def test_a_word_ends_the_wait_but_where_more_is_to_come() -> None:
    clock = Clock()
    vigil = Vigil(clock=clock)
    vigil.said()
    clock.now += LOOK_AFTER
    vigil.heard(more)
    assert vigil.due() is Due.NOTHING and vigil.wait() == LOOK_AFTER
    clock.now += LOOK_AFTER
    assert vigil.due() is Due.LOOK
    vigil.heard(nothing)
    clock.now += 1000
    assert vigil.due() is Due.NOTHING


def test_a_server_that_is_there_and_slow_is_looked_for_less_and_less_until_it_speaks() -> None:
    clock = Clock()
    vigil = Vigil(clock=clock)
    vigil.said()
    waits = []
    for _ in range(6):
        wait = vigil.wait()
        assert wait is not None
        waits.append(wait)
        clock.now += wait
        assert vigil.due() is Due.LOOK
        vigil.found_there(more)
    assert waits == [LOOK_AFTER, 2 * LOOK_AFTER, 4 * LOOK_AFTER, 8 * LOOK_AFTER, LONGEST_PATIENCE, LONGEST_PATIENCE]
    vigil.heard(more)
    assert vigil.wait() == LOOK_AFTER
    clock.now += LOOK_AFTER
    vigil.found_there(nothing)
    assert vigil.due() is Due.NOTHING, "what waits for nothing looks once"


def test_an_idle_stream_wakes_nobody_and_a_busy_one_seldom() -> None:
    clock = Clock()
    vigil = Vigil(clock=clock)
    assert vigil.wait() is None
    assert vigil.said(), "who sleeps is woken once"
    waits = wakes = 0
    next_look = 0.0
    for _ in range(1000):
        vigil.heard(nothing)
        clock.now += LOOK_AFTER / 100
        wakes += vigil.said()
        if clock.now >= next_look:
            wait = vigil.wait()
            assert wait is not None
            waits, next_look = waits + 1, clock.now + wait
    assert (wakes, waits <= 12) == (0, True)
    vigil.heard(nothing)
    assert vigil.wait() == LOOK_AFTER
    assert vigil.wait() is None, "nothing was said since"


def test_patience_doubles_with_each_round_without_an_answer() -> None:
    clock = Clock()
    for rounds, seconds in ((0, LOOK_AFTER), (1, 2 * LOOK_AFTER), (2, 4 * LOOK_AFTER), (500, LONGEST_PATIENCE)):
        vigil = Vigil(rounds, clock)
        vigil.said()
        assert vigil.wait() == seconds
    assert Vigil(1).look_patience == 2 * LOOK_PATIENCE and Vigil(500).look_patience == LONGEST_PATIENCE


def test_who_is_to_leave_does_so_when_all_is_answered() -> None:
    clock = Clock()
    vigil = Vigil(clock=clock)
    vigil.said()
    vigil.leave_in(0.5)
    assert not vigil.heard(nothing), "it is not time"
    vigil.said()
    clock.now += 0.5
    assert vigil.due() is Due.NOTHING
    assert not vigil.heard(more)
    assert vigil.heard(nothing)


def test_who_is_to_leave_does_so_at_the_time_or_at_the_latest_a_second_later() -> None:
    clock = Clock()
    idle, busy = Vigil(clock=clock), Vigil(clock=clock)
    for vigil in (idle, busy):
        vigil.leave_in(0.5)
        vigil.leave_in(99)
    assert idle.wait() == 0.5
    busy.said()
    clock.now += 0.5
    assert (idle.due(), busy.due()) == (Due.LEAVE, Due.NOTHING)
    busy.heard(more)
    clock.now += LEAVING_PATIENCE
    assert busy.due() is Due.LEAVE
