"""Each commit of each server is heard once, in order, whatever comes when."""

import asyncio
from collections.abc import Sequence

from antiphon_server.application.feed import MOST, Feed
from antiphon_server.domain.errors import Unavailable
from antiphon_server.storage.change_words import words_of
from antiphon_server.storage.working_set import Changes
from in_loop import in_loop


def commit(number: int) -> Changes:
    return Changes(number=number, ended_runs=[f"run {number}"])


class Committed:
    """The table of changes; `away` while it cannot be read."""

    def __init__(self) -> None:
        self.rows: dict[int, Changes] = {}
        self.away = False
        self.reads = 0

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.rows[number] = commit(number)

    async def newest_change(self) -> int:
        return max(self.rows, default=0)

    async def changes_since(self, number: int, limit: int) -> Sequence[tuple[int, str]]:
        self.reads += 1
        if self.away:
            raise Unavailable("STORAGE_UNAVAILABLE", "the database is away")
        found = sorted(each for each in self.rows if each > number)[:limit]
        return [(each, str(words_of(self.rows[each]))) for each in found]


class Hearing:
    """A feed after commit 10, what it told, and whether it lost touch."""

    def __init__(self) -> None:
        self.committed = Committed()
        self.lost = 0
        self.feed = Feed(self.committed, 10, self._lose)  # type: ignore[arg-type]
        self.heard: list[int | None] = []
        self.followed: list[int | None] = []
        self.feed.hear = lambda changes: self.heard.append(changes.number)
        self.feed.follow = lambda changes: self.followed.append(changes.number)

    def _lose(self) -> None:
        self.lost += 1

    def own(self, *numbers: int) -> None:
        self.committed.add(*numbers)
        for number in numbers:
            self.feed.note(commit(number))


@in_loop
async def test_a_server_that_is_alone_reads_nothing() -> None:
    it = Hearing()
    it.own(11, 12)
    it.feed.note(Changes())
    await it.feed.catch_up()
    assert (it.followed, it.heard, it.committed.reads) == ([11, 12], [], 0)


@in_loop
async def test_what_others_did_comes_in_between() -> None:
    it = Hearing()
    it.committed.add(11)
    it.own(12)
    it.committed.add(13)
    it.own(14)
    assert it.followed == [], "nobody knows yet what came before"
    await it.feed.catch_up()
    assert (it.followed, it.heard, it.lost) == ([11, 12, 13, 14], [11, 13], 0)


@in_loop
async def test_a_commit_whose_answer_was_lost_is_heard_like_those_of_others() -> None:
    it = Hearing()
    it.committed.add(11)
    it.feed.stir()
    running = asyncio.create_task(it.feed.run())
    async with asyncio.timeout(10):
        while it.heard != [11]:
            await asyncio.sleep(0)
    running.cancel()
    # The answer comes late all the same.
    it.feed.note(commit(11))
    assert it.followed == [11]


@in_loop
async def test_who_cannot_read_tries_again() -> None:
    it = Hearing()
    it.committed.add(11)
    it.committed.away = True
    running = asyncio.create_task(it.feed.run())
    async with asyncio.timeout(10):
        while not it.committed.reads:
            await asyncio.sleep(0.01)
        it.committed.away = False
        while it.followed != [11]:
            await asyncio.sleep(0.01)
    running.cancel()


@in_loop
async def test_more_than_are_read_at_once() -> None:
    it = Hearing()
    it.committed.add(*range(11, 11 + 2 * MOST + 3))
    await it.feed.catch_up()
    assert it.followed == list(range(11, 11 + 2 * MOST + 3))


@in_loop
async def test_a_server_that_was_away_for_too_long_says_so() -> None:
    it = Hearing()
    it.committed.add(15, 16)
    await it.feed.catch_up()
    assert (it.followed, it.lost, it.feed.last) == ([15, 16], 1, 16)


@in_loop
async def test_the_commits_between_two_numbers() -> None:
    it = Hearing()
    it.committed.add(*range(3, 11))
    assert [each.number for each in await it.feed.between(5, 8)] == [6, 7, 8]
    assert [each.number for each in await it.feed.between(0, 4)] == [3, 4], "older ones are forgotten"
