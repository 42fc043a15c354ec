"""How long an API that does not answer is asked again."""

from antiphon.workers.patience import Patience


def test_pauses_grow_and_end_with_the_patience() -> None:
    now = 0.0
    patience = Patience(10, first_pause=1, longest_pause=4, clock=lambda: now)
    pauses = []
    while not patience.over:
        pauses.append(patience.pause())
        now += pauses[-1] + 0.001
    assert 0.8 <= pauses[0] <= 1.2 and 1.6 <= pauses[1] <= 2.4 and all(each <= 4.8 for each in pauses)
    assert sum(pauses) <= 10 and now >= 10


def test_an_answer_begins_it_anew() -> None:
    now = 0.0
    patience = Patience(10, first_pause=1, clock=lambda: now)
    patience.pause()
    now = 9.5
    patience.heard()
    assert not patience.over and patience.pause() <= 1.2
    now = 19.6
    assert patience.over and patience.pause() == 0
