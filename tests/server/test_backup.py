"""`python -m antiphon_server.backup`, on the homes of servers that run and of those that do not."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.v1.flow_pb2 import Flow
from antiphon.v1.flow_service_pb2 import CreateFlowRequest
from antiphon.v1.flow_service_pb2_grpc import FlowServiceStub
from antiphon_server.home import DATABASE, LOCK
from antiphon_server.storage.migrations.upgrade import downgrade
from antiphon_server.storage.schema import HEAD, REVISIONS
from antiphon_server.storage.sqlite import Sqlite
from database_files import flows_in, make_database
from running_server import RunningServer
from server_process import ServerProcess
from stores import only_sqlite
from world import World

# PostgreSQL has tools of its own.
pytestmark = only_sqlite


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def serving(home: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(home).serving()
    yield server
    server.close()


def program(home: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "antiphon_server.backup", "--home", str(home), *words]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
    return subprocess.run(command, capture_output=True, text=True, env=clean | environment, timeout=60)


def done(home: Path, *words: str, **environment: str) -> dict[str, Any]:
    ended = program(home, *words, **environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def refused(home: Path, *words: str, **environment: str) -> str:
    ended = program(home, *words, **environment)
    assert (ended.returncode, ended.stdout) == (1, ""), ended
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip()


class Writing:
    """Somebody who makes flows, and knows which of them the server has acknowledged."""

    def __init__(self, server: ServerProcess) -> None:
        self.acknowledged: list[str] = []
        self._stop = threading.Event()
        self._server = server
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._server.channel() as channel:
            flows = FlowServiceStub(channel)
            while not self._stop.is_set():
                name = f"flow {len(self.acknowledged):06}"
                flows.CreateFlow(CreateFlowRequest(flow=Flow(name=name)), timeout=30)
                self.acknowledged.append(name)

    def __enter__(self) -> "Writing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_a_backup_of_a_server_that_writes_has_all_that_was_acknowledged_before(
    serving: ServerProcess, home: Path, tmp_path: Path
) -> None:
    with Writing(serving) as writing:
        for number in range(3):
            before = list(writing.acknowledged)
            said = done(home, "save", str(tmp_path / f"{number}.db"))
            flows = flows_in(tmp_path / f"{number}.db")
            # In the order of making, without a gap: of one moment.
            assert flows == [f"flow {each:06}" for each in range(len(flows))]
            assert flows[: len(before)] == before
            assert said["rows"]["flows"] == len(flows)
    assert len(writing.acknowledged) > 3
    assert serving.end() == 0


def test_what_it_says_of_a_backup(home: Path, tmp_path: Path) -> None:
    make_database(home / DATABASE, "etl")
    said = done(home, "save", str(tmp_path))
    written = Path(said.pop("path"))
    rows = {"flows": 1, "flow_runs": 0, "task_runs": 0, "deployments": 0, "block_documents": 0}
    size = written.stat().st_size
    assert said == {"size": size, "schema_revision": HEAD, "rows": rows, "secrets": 0, "key_file": None}
    assert written.parent == tmp_path
    assert written.name.startswith("antiphon-2")
    default = Path(done(home, "save")["path"])
    assert default.parent == home / "backups"
    assert stat.S_IMODE(default.stat().st_mode) == 0o600
    assert stat.S_IMODE(default.parent.stat().st_mode) == 0o700


def test_secrets_need_the_key_which_is_not_in_the_backup(home: Path, tmp_path: Path) -> None:
    with RunningServer(home) as server:
        World(server).fill()
    key = home / "encryption.key"
    said = done(home, "save", str(tmp_path / "copy.db"))
    assert (said["secrets"], said["key_file"]) == (1, str(key))
    assert key.read_text().strip().encode() not in (tmp_path / "copy.db").read_bytes()
    assert done(home, "restore", str(tmp_path / "copy.db"))["unreadable_secrets"] == 0
    elsewhere = tmp_path / "elsewhere"
    assert done(elsewhere, "restore", str(tmp_path / "copy.db"))["unreadable_secrets"] == 1
    given = {"ANTIPHON_SERVER_ENCRYPTION_KEY": key.read_text()}
    assert done(elsewhere, "restore", str(tmp_path / "copy.db"), **given)["unreadable_secrets"] == 0
    with RunningServer(elsewhere):
        pass


def test_nothing_is_overwritten_unless_said(home: Path, tmp_path: Path) -> None:
    make_database(home / DATABASE, "etl")
    target = tmp_path / "mine"
    target.write_text("mine")
    assert refused(home, "save", str(target)) == (
        f"{target} is there already; name another file, or give --force to replace it"
    )
    assert target.read_text() == "mine"
    done(home, "save", "--force", str(target))
    assert flows_in(target) == ["etl"]


def test_what_the_server_needs_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    with RunningServer(home) as server:
        World(server).fill()
        for name in (DATABASE, f"{DATABASE}-wal", "encryption.key", LOCK):
            (home / name).touch()
            for target in (home / name, link_to(home / name, tmp_path)):
                assert "belongs to the server itself; name another file" in refused(
                    home, "save", "--force", str(target)
                ), name
    other = make_database(tmp_path / "other.db", "theirs", cut_off=True)
    assert "is a database in use" in refused(home, "save", "--force", str(other))
    other.unlink()
    assert "is a database in use, or was one" in refused(home, "save", str(other))
    assert not other.exists()


def link_to(path: Path, folder: Path) -> Path:
    link = folder / f"link to {path.name}"
    link.symlink_to(path)
    return link


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["save"], "there is no database in {home}. On the machine of the server, set ANTIPHON_HOME"),
        (["restore", "missing"], "there is no file missing"),
        (["restore", "/"], "there is no file /"),
    ],
)
def test_what_is_not_there_is_said(home: Path, words: list[str], says: str) -> None:
    assert says.format(home=home) in refused(home, *words)
    assert list(home.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(home: Path) -> None:
    make_database(home / DATABASE)
    assert "No such file or directory" in refused(home, "save", str(home / "missing" / "copy.db"))


def test_a_database_is_not_restored_onto_itself(home: Path) -> None:
    make_database(home / DATABASE, "etl")
    assert "is the database of" in refused(home, "restore", str(home / DATABASE))
    assert flows_in(home / DATABASE) == ["etl"]


def test_nothing_is_restored_while_a_server_runs(serving: ServerProcess, home: Path, tmp_path: Path) -> None:
    backup = make_database(tmp_path / "backup.db", "etl")
    assert refused(home, "restore", str(backup)) == (
        f"a server (process {serving.process.pid}) uses {home} already. Stop it first with `antiphon server stop`"
    )
    assert serving.end() == 0
    assert done(home, "restore", str(backup))["rows"]["flows"] == 1


def test_a_server_goes_on_with_what_was_restored(serving: ServerProcess, home: Path, tmp_path: Path) -> None:
    with serving.channel() as channel:
        FlowServiceStub(channel).CreateFlow(CreateFlowRequest(flow=Flow(name="before")), timeout=30)
        done(home, "save", str(tmp_path / "copy.db"))
        FlowServiceStub(channel).CreateFlow(CreateFlowRequest(flow=Flow(name="after")), timeout=30)
    # With its last commits in the log.
    assert serving.end(signal.SIGKILL) == -signal.SIGKILL
    said = done(home, "restore", str(tmp_path / "copy.db"))
    assert flows_in(Path(said["replaced"])) == ["after", "before"]
    again = ServerProcess(home).serving()
    try:
        with again.channel() as channel:
            stub = FlowServiceStub(channel)
            with pytest.raises(grpc.RpcError) as there:
                stub.CreateFlow(CreateFlowRequest(flow=Flow(name="before")), timeout=30)
            assert there.value.code() is grpc.StatusCode.ALREADY_EXISTS
            stub.CreateFlow(CreateFlowRequest(flow=Flow(name="after")), timeout=30)
    finally:
        again.close()


def test_an_older_backup_is_upgraded_by_the_next_server(home: Path, tmp_path: Path) -> None:
    backup = older(home).rename(tmp_path / "old.db")
    said = done(home, "restore", str(backup))
    assert (said["schema_revision"], said["upgraded_to"]) == (REVISIONS[-2], HEAD)
    server = ServerProcess(home)
    assert server.said().startswith("busy upgrading the database")
    assert server.end() == 0
    assert f"upgraded from schema {REVISIONS[-2]} to {HEAD}" in server.output()
    server.close()
    assert [path.name[:19] for path in (home / "backups").iterdir()] == [f"before-upgrade-{REVISIONS[-2]}"]


def older(home: Path) -> Path:
    """A database of the release before."""
    database = make_database(home / DATABASE, "etl")
    engine = Sqlite(database).writer_engine()
    downgrade(engine, REVISIONS[-2])
    engine.dispose()
    return database


def test_an_upgrade_without_a_backup_must_be_asked_for(home: Path) -> None:
    older(home)
    (home / "backups").write_text("a file is in the way")
    server = ServerProcess(home)
    assert server.said().startswith("busy ")
    assert server.wait() == 1
    assert "is not upgraded" in server.output()
    assert "antiphon server start --no-upgrade-backup" in server.output()
    assert "Traceback" not in server.output()
    server.close()
    server = ServerProcess(home, "--no-upgrade-backup")
    assert server.said().startswith("busy ")
    assert server.end() == 0
    assert f"upgraded from schema {REVISIONS[-2]} to {HEAD}" in server.output()
    server.close()
    assert (home / "backups").read_text() == "a file is in the way"


def test_a_restore_that_was_cut_off_is_ended_before_a_backup(home: Path, tmp_path: Path) -> None:
    make_database(home / DATABASE, "of before")
    make_database(home / ".antiphon-restored-20260101T000000.000000Z.db", "restored")
    assert "Start the server, which ends it, or restore again; then back up" in refused(home, "save")
    server = ServerProcess(home).serving()
    assert server.end() == 0
    server.close()
    done(home, "save", str(tmp_path / "copy.db"))
    assert flows_in(tmp_path / "copy.db") == ["restored"]


def test_one_backup_at_a_time(home: Path) -> None:
    make_database(home / DATABASE, "etl")
    script = "import sys; from pathlib import Path; from antiphon_server.home import take_for_copying as take; "
    script += "take(Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script, str(home)], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        assert "is under way; wait for its end" in refused(home, "save")
        other.communicate()
    done(home, "save")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_postgresql_has_tools_of_its_own(home: Path, scheme: str) -> None:
    url = {"ANTIPHON_SERVER_DATABASE_URL": f"{scheme}://me:hush@db.example:5432/antiphon?sslmode=require"}
    shown = "'postgresql://me@db.example:5432/antiphon?sslmode=require'"
    saved = refused(home, "save", **url)
    assert f"pg_dump --format=custom --file=antiphon.dump {shown}" in saved
    restored = refused(home, "restore", "antiphon.dump", **url)
    assert "Stop all its servers, then: pg_restore --clean --if-exists --single-transaction" in restored
    assert f"--dbname={shown} antiphon.dump" in restored
    assert "hush" not in saved + restored


@pytest.mark.parametrize("text", ["mysql://me:hush@db/antiphon", "hush", "sqlite:///hush.db"])
def test_an_address_of_something_else_is_said(home: Path, text: str) -> None:
    make_database(home / DATABASE)
    said = refused(home, "save", ANTIPHON_SERVER_DATABASE_URL=text)
    assert "does not begin with postgresql://" in said
    assert "hush" not in said
    assert not (home / "backups").exists()
