"""The writer on PostgreSQL, while its connections end, others hold the database, and there is no room."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from antiphon_server.domain.errors import InvalidArgument, ResourceExhausted, Unavailable
from antiphon_server.storage import postgresql
from antiphon_server.storage.migrations.upgrade import downgrade
from antiphon_server.storage.opening import database_at
from antiphon_server.storage.schema import REVISIONS, prepare
from antiphon_server.storage.working_set import Needs, WorkingSet
from postgresql_hands import disk_full, end_connections, lock_held, name_of, read_only, say, waiting_for_lock
from stores import administer, url_for
from tcp_proxy import TcpProxy
from until import until
from writer_bench import PATIENCE, AddFlow, Bench, reason

MakeBench = Callable[[str], Bench]


@dataclass
class Do:
    """Has something happen amid a transaction."""

    act: Callable[[], None]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        self.act()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_for(tmp_path / "antiphon.db", bare=True)


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make(url: str) -> Bench:
        made.append(Bench(url, database_at(url)))
        made[-1].writer.start()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def bench(make_bench: MakeBench, url: str) -> Bench:
    return make_bench(url)


def unavailable(answer: Any, *, says: str) -> None:
    assert reason(answer) == "STORAGE_UNAVAILABLE"
    assert isinstance(answer, Unavailable)
    assert answer.retry_after
    assert says in str(answer)


def works(bench: Bench, name: str) -> None:
    bench.submit(AddFlow(name))
    assert bench.next() == [name]
    assert name in bench.names()


def test_a_connection_that_ended_while_nothing_was_asked_is_made_anew_at_once(bench: Bench, url: str) -> None:
    for name in "abc":
        works(bench, name)
        end_connections(url)
    assert bench.writer.faults == 0


def test_a_connection_that_ends_amid_a_transaction_writes_nothing(bench: Bench, url: str) -> None:
    first, between, last = bench.ask(AddFlow("a"), Do(lambda: end_connections(url)), AddFlow("b"))
    for answer in (first, between, last):
        unavailable(answer, says="ask again")
    assert bench.names() == []
    assert bench.ask(AddFlow("a"), AddFlow("b")) == ["a", "b"]
    assert bench.writer.faults == 1


def test_a_connection_that_ends_before_its_commit_writes_nothing(bench: Bench, url: str) -> None:
    bench.commit.open.clear()
    bench.submit(AddFlow("a"))
    assert bench.commit.reached.wait(PATIENCE)
    end_connections(url)
    bench.commit.open.set()
    unavailable(bench.next()[0], says="ask again")
    assert bench.names() == []
    works(bench, "a")


def test_a_commit_whose_answer_is_lost_is_not_said_to_have_failed(make_bench: MakeBench, url: str) -> None:
    with TcpProxy(url.split("@")[1].split("/")[0]) as proxy:
        there = url.replace(proxy.target, proxy.address)
        bench = make_bench(there)
        bench.place = url
        bench.commit.open.clear()
        bench.submit(AddFlow("a"))
        assert bench.commit.reached.wait(PATIENCE)
        proxy.swallow_answers()
        bench.commit.open.set()
        until(lambda: bench.names() == ["a"])
        proxy.cut()
        proxy.heal()
        (answer,) = bench.next()
        unavailable(answer, says="ask again: what was written is answered as it was")
        assert "nothing was written" not in str(answer)
        works(bench, "b")


def test_while_it_cannot_be_reached_all_is_refused_and_then_it_goes_on(make_bench: MakeBench, url: str) -> None:
    with TcpProxy(url.split("@")[1].split("/")[0]) as proxy:
        bench = make_bench(url.replace(proxy.target, proxy.address))
        bench.place = url
        works(bench, "before")
        proxy.refuse()
        proxy.cut()
        for _ in range(3):
            bench.submit(AddFlow("a"), AddFlow("b"))
            for answer in bench.next(2):
                unavailable(answer, says="Check that it runs, and that the server reaches it")
        assert bench.names() == ["before"]
        proxy.heal()
        works(bench, "a")


def test_a_writer_that_cannot_connect_as_it_starts_answers_and_goes_on(url: str) -> None:
    with TcpProxy(url.split("@")[1].split("/")[0]) as proxy:
        bench = Bench(url, database_at(url.replace(proxy.target, proxy.address)))
        proxy.refuse()
        proxy.cut()
        bench.writer.start()
        bench.submit(AddFlow("a"))
        unavailable(bench.next()[0], says="cannot be reached")
        proxy.heal()
        works(bench, "a")
        bench.close()


def test_a_full_disk_is_answered_and_nothing_is_half_written(bench: Bench, url: str) -> None:
    works(bench, "before")
    with disk_full(url, "flows"):
        answers = bench.ask(AddFlow("a"), AddFlow("b"))
        assert [reason(each) for each in answers] == ["STORAGE_FULL"] * 2
        assert isinstance(answers[0], ResourceExhausted)
        assert answers[0].retry_after
        assert bench.names() == ["before"]
    assert bench.ask(AddFlow("a"), AddFlow("b")) == ["a", "b"]


def test_a_database_that_cannot_be_written_is_answered(bench: Bench, url: str) -> None:
    with read_only(url):
        for answer in bench.ask(AddFlow("a"), AddFlow("b")):
            unavailable(answer, says="25006: cannot execute")
            assert "nothing was written" in str(answer)
    assert bench.ask(AddFlow("a"), AddFlow("b")) == ["a", "b"]


def test_it_waits_for_the_transaction_of_another_server(bench: Bench, url: str) -> None:
    with lock_held(url):
        bench.submit(AddFlow("a"))
        until(lambda: waiting_for_lock(url))
        assert bench.answers.empty()
    assert bench.next() == ["a"]


def test_it_does_not_wait_for_ever(make_bench: MakeBench, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "STATEMENT_TIMEOUT", 1_000)
    bench = make_bench(url)
    with lock_held(url):
        bench.submit(AddFlow("a"))
        (busy,) = bench.next()
        assert (reason(busy), type(busy)) == ("STORAGE_BUSY", Unavailable)
        assert busy.retry_after
    works(bench, "a")


def test_who_falls_silent_amid_a_transaction_does_not_hold_up_the_others(
    make_bench: MakeBench, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, other = make_bench(url), make_bench(url)
    silent.engine.dispose()
    monkeypatch.setattr(postgresql, "SILENCE", 500)
    silent = make_bench(url)
    silent.commit.open.clear()
    silent.submit(AddFlow("half"))
    assert silent.commit.reached.wait(PATIENCE)
    other.submit(AddFlow("a"))
    assert other.next() == ["a"]
    silent.commit.open.set()
    unavailable(silent.next()[0], says="nothing was written")
    assert other.names() == ["a"]
    works(silent, "half")


def test_two_servers_that_write_at_once_take_turns(make_bench: MakeBench, url: str) -> None:
    benches = [make_bench(url) for _ in range(2)]

    def write(bench: Bench, name: str) -> None:
        for number in range(50):
            bench.submit(AddFlow(f"{name}{number:02}"))

    threads = [threading.Thread(target=write, args=(bench, name)) for bench, name in zip(benches, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread, bench, name in zip(threads, benches, "ab", strict=True):
        thread.join(PATIENCE)
        assert bench.next(50) == [f"{name}{number:02}" for number in range(50)]
    assert len(benches[0].names()) == 100


def test_where_there_is_no_room_for_a_connection_it_says_so(make_bench: MakeBench, url: str) -> None:
    # A limit does not hold for superusers.
    user = f"user_of_{name_of(url)}"
    say(url, f"CREATE ROLE {user} LOGIN", f"ALTER DATABASE {name_of(url)} OWNER TO {user}")
    bench = make_bench(url.replace("//postgres@", f"//{user}@"))
    works(bench, "before")
    administer(f"ALTER ROLE {user} CONNECTION LIMIT 0")
    end_connections(url)
    bench.submit(AddFlow("a"))
    unavailable(bench.next()[0], says=f'too many connections for role "{user}"')
    administer(f"ALTER ROLE {user} CONNECTION LIMIT -1")
    works(bench, "a")


def test_a_migration_may_take_its_time(url: str) -> None:
    engine = database_at(url).writer_engine()
    prepare(engine)
    limits: set[str] = set()

    @event.listens_for(engine, "before_cursor_execute")
    def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(("ALTER", "CREATE", "DROP")):
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                limits.update(cursor.connection.execute(f"SHOW {limit}").fetchone())

    downgrade(engine, REVISIONS[-2])
    prepare(engine)
    assert limits == {"0"}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "30s"
    engine.dispose()


@pytest.mark.parametrize(
    "text",
    ["mysql://u:hunter2@h/d", "postgresql://u:hunter2@h", "postgresql://u:hunter2@h:x/d", "antiphon.db", "//", "x://["],
)
def test_what_is_no_url_of_a_database_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        database_at(text)
    assert refused.value.reason == "DATABASE_URL_INVALID"
    assert "hunter2" not in str(refused.value)


def test_an_option_that_there_is_not_is_named() -> None:
    assert database_at("postgresql://h/d?sslmode=require&application_name=mine")
    with pytest.raises(InvalidArgument, match="'sslmod' behind its question mark, which is no option"):
        database_at("postgresql://h/d?sslmod=require")


def test_the_password_is_not_told() -> None:
    database = database_at("postgresql://ann:hunter2@db.example:5432/antiphon")
    assert database.address == "postgresql://ann:***@db.example:5432/antiphon"
