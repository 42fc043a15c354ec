"""A server's process on PostgreSQL: what keeps it from starting, and whose key it uses for secrets."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import grpc
import psycopg
import pytest

from antiphon_server.encryption_keys import ENCRYPTION_KEY, KEY_FILE
from antiphon_server.home import DATABASE, DATABASE_URL
from postgresql_hands import name_of, read_only, say
from server_process import ServerProcess
from stores import TEST_KEY, url_for
from world import LOGIN, World, login_type

Start = Callable[[str], ServerProcess]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_for(tmp_path / DATABASE, bare=True)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers on the database at a URL, and ends them."""
    started: list[ServerProcess] = []
    monkeypatch.setenv(ENCRYPTION_KEY, TEST_KEY)

    def start_one(url: str) -> ServerProcess:
        monkeypatch.setenv(DATABASE_URL, url)
        started.append(ServerProcess(tmp_path))
        return started[-1]

    yield start_one
    for server in started:
        server.close()


def refused(server: ServerProcess) -> str:
    word = server.said()
    assert word.startswith("error "), (word, server.output())
    assert server.wait() == 1
    assert "Traceback" not in server.output()
    return word


def test_a_login_that_is_refused(start: Start, url: str) -> None:
    word = refused(start(url.replace("//postgres@", "//nobody:hunter2@")))
    assert 'role "nobody" does not exist' in word
    assert "the database cannot be reached" in word
    assert "hunter2" not in word


def test_a_database_that_is_not_there(start: Start, url: str) -> None:
    word = refused(start(f"{url}_no_more"))
    assert f'database "{name_of(url)}_no_more" does not exist' in word


def test_nobody_listens(start: Start) -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        word = refused(start(f"postgresql://a@127.0.0.1:{bound.getsockname()[1]}/antiphon"))
    assert "Connection refused" in word
    assert "Check that it runs, and that the server reaches it" in word


def test_what_is_no_url(start: Start) -> None:
    word = refused(start("postgres.example:5432"))
    assert "named by a URL such as postgresql://user:password@host:5432/antiphon" in word


def test_a_database_that_takes_no_writes(start: Start, url: str) -> None:
    for _ in ("a new one", "one that was used"):
        with read_only(url):
            word = refused(start(url))
            assert "the database cannot be used (25006: cannot execute" in word
            assert "what the server's user may do there" in word
        assert start(url).serving().end() == 0


def test_a_user_that_may_make_no_tables(start: Start, url: str) -> None:
    user = f"user_of_{name_of(url)}"
    say(url, f"CREATE ROLE {user} LOGIN")
    word = refused(start(url.replace("//postgres@", f"//{user}@")))
    assert "permission denied for schema public" in word
    assert "what the server's user may do there" in word


def test_a_database_without_a_schema_for_tables(start: Start, url: str) -> None:
    say(url, "DROP SCHEMA public")
    assert "no schema has been selected to create in" in refused(start(url))


def test_tables_of_others_are_left_alone(start: Start, url: str) -> None:
    say(url, "CREATE TABLE letters (id int)")
    assert "tables that are not ours; point the server to another database" in refused(start(url))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == [
            ("letters",)
        ]


def test_no_key_is_made_for_a_database_that_others_may_share(
    start: Start, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENCRYPTION_KEY, "")
    with _client(start(url)) as client:
        schema = client.call("RegisterBlockType", login_type()).block_schema.id
        wanted = {"name": "prod", "blockSchemaId": schema, "data": LOGIN}
        refusal = client.refused("CreateBlockDocument", {"blockDocument": wanted})
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ENCRYPTION_KEY_MISSING")
        assert f"start each of them with {ENCRYPTION_KEY} set to the same one" in refusal.message
    monkeypatch.setenv(ENCRYPTION_KEY, TEST_KEY)
    with _client(start(url)) as client:
        assert client.call("CreateBlockDocument", {"blockDocument": wanted}).block_document.id
    assert not (tmp_path / KEY_FILE).exists()


class _client:
    """`with _client(server) as world:` of a process, which ends with it."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server.serving()

    def __enter__(self) -> World:
        self.channel = self._server.channel()
        return World(self)  # type: ignore[arg-type]  # it has a channel

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        assert self._server.end() == 0
