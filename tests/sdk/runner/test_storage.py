"""Code of flows from folders, git repositories and fsspec's places."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest
from pydantic import SecretStr

from antiphon import Flow, flow
from antiphon.exceptions import InvalidRepositoryURLError, MissingFlowError
from antiphon.runner.storage import (
    GitRepository,
    LocalStorage,
    RemoteStorage,
    RunnerStorage,
    create_storage_from_source,
)
from stored import Stored

PROGRAM = """
from antiphon import flow

@flow
def hello(name="you"):
    from helper_{version} import greeting
    return f"{{greeting}} {{name}}"
"""


class Repository:
    """A git repository of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=trunk")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "work")
        return self.git("rev-parse", "HEAD")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "origin.git")
    made.commit({"flows.py": PROGRAM.format(version="one"), "helper_one.py": "greeting = 'hello'\n"})
    return made


def pulled(storage: RunnerStorage, base: Path) -> Path:
    storage.set_base_path(base)
    asyncio.run(storage.pull_code())
    return storage.destination


def test_the_default_branch_and_what_is_new_of_it(repository: Repository, tmp_path: Path) -> None:
    storage = GitRepository(repository.url)
    folder = pulled(storage, tmp_path / "here")
    assert folder == tmp_path / "here" / "origin"
    assert (folder / "helper_one.py").read_text() == "greeting = 'hello'\n"
    (folder / "helper_one.py").write_text("changed by hand\n")
    repository.commit({"helper_one.py": "greeting = 'good day'\n"})
    asyncio.run(storage.pull_code())
    assert (folder / "helper_one.py").read_text() == "greeting = 'good day'\n"


def test_a_branch_a_tag_and_a_commit(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "v1")
    second = repository.commit({"extra.py": "2"})
    repository.git("checkout", "--quiet", "-b", "side/way")
    repository.commit({"extra.py": "3"})
    repository.git("checkout", "--quiet", "trunk")

    def content(**wanted: Any) -> str | None:
        folder = pulled(GitRepository(repository.url, **wanted), tmp_path / "here")
        extra = folder / "extra.py"
        return extra.read_text() if extra.exists() else None

    assert content() == "2"
    assert content(branch="side/way") == "3"
    assert content(branch="v1") is None
    assert content(commit_sha=first) is None
    assert content(commit_sha=second) == "2"
    assert content(commit_sha=second[:9]) == "2"
    assert {each.name for each in (tmp_path / "here").iterdir()} == {
        "origin",
        "origin-side-way",
        "origin-v1",
        f"origin-{first}",
        f"origin-{second}",
        f"origin-{second[:9]}",
    }


def test_only_some_directories(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"wanted/a.py": "a", "other/b.py": "b"})
    folder = pulled(GitRepository(repository.url, directories=["wanted"]), tmp_path / "here")
    assert (folder / "wanted" / "a.py").exists() and not (folder / "other").exists()


def test_submodules(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit({"inner.py": "i"})
    repository.git("submodule", "--quiet", "add", inner.url, "part")
    repository.commit({})
    # Git allows no submodules of this machine unless it is told to.
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    assert not (pulled(GitRepository(repository.url, name="without"), tmp_path / "here") / "part" / "inner.py").exists()
    assert (
        pulled(GitRepository(repository.url, include_submodules=True), tmp_path / "here") / "part/inner.py"
    ).exists()


def test_what_goes_wrong_with_git(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(message: str, storage: GitRepository) -> None:
        with pytest.raises(RuntimeError, match=message):
            pulled(storage, tmp_path / "here")

    fails("There is no branch or tag 'nope' in file://", GitRepository(repository.url, branch="nope"))
    fails("There is no commit abcdef0123 on the branches of", GitRepository(repository.url, commit_sha="abcdef0123"))
    fails("There is no commit", GitRepository(repository.url, commit_sha="ab" * 20))
    fails("could not be fetched. git says: .*does not appear to be", GitRepository("file:///nowhere/at/all.git"))
    pulled(GitRepository(repository.url, name="same"), tmp_path / "here")
    other = Repository(tmp_path / "other.git")
    fails(
        "holds the repository file://.*origin.git, not file://.*Give this one another",
        GitRepository(other.url, name="same"),
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    fails("is brought by the program `git`, which is not there. Install it", GitRepository(repository.url))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"url": ""}, InvalidRepositoryURLError, "cannot be the URL of a git repository. Such are https://"),
        ({"url": "--upload-pack=x"}, InvalidRepositoryURLError, "cannot be the URL"),
        ({"url": "ext::sh -c x"}, InvalidRepositoryURLError, "cannot be the URL"),
        ({"url": "ftp://host/x.git"}, InvalidRepositoryURLError, "cannot be the URL"),
        ({"url": "https:///x.git"}, InvalidRepositoryURLError, "cannot be the URL"),
        ({"url": "no/such/folder"}, InvalidRepositoryURLError, "neither the URL of a git repository nor a folder here"),
        ({"branch": "a", "commit_sha": "abcd"}, ValueError, "A branch and a commit_sha were given: give one of them"),
        ({"branch": "--force"}, ValueError, "'--force' cannot be the name of a branch"),
        ({"commit_sha": "main"}, ValueError, "'main' cannot be a commit: .*Name a branch or a tag by `branch`"),
        ({"credentials": {"username": "u"}}, ValueError, "neither an access_token nor a password"),
        (
            {"url": "ssh://git@host/x.git", "credentials": {"access_token": "t"}},
            ValueError,
            "Credentials go with https:// only",
        ),
    ],
)
def test_repositories_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GitRepository(**{"url": "https://example.com/o/r.git", **options})


class _Asked(BaseHTTPRequestHandler):
    seen: list[str | None]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_args: Any) -> None: ...


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str | None]]]:
    """A web server that has no repository, and what it was shown."""
    seen: list[str | None] = []
    server = HTTPServer(("127.0.0.1", 0), type("Asked", (_Asked,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_credentials_reach_the_server_and_nobody_else(asked: tuple[str, list[str | None]], tmp_path: Path) -> None:
    host, seen = asked
    storages = [
        GitRepository(f"http://{host}/a.git", credentials={"username": "me", "access_token": "t0ken"}),
        GitRepository(f"http://{host}/b.git", credentials={"access_token": SecretStr("t0ken")}),
        GitRepository(f"http://me:t0ken@{host}/c.git"),
    ]
    for storage in storages:
        with pytest.raises(RuntimeError) as raised:
            pulled(storage, tmp_path)
        assert f"http://{host}/" in str(raised.value)
        config = (storage.destination / ".git" / "config").read_text()
        for text in (str(raised.value), repr(storage), config):
            assert "t0ken" not in text and "bWU6" not in text
    # "me:t0ken", and "x-access-token:t0ken".
    mine, token = "Basic bWU6dDBrZW4=", "Basic eC1hY2Nlc3MtdG9rZW46dDBrZW4="
    assert [each for each in dict.fromkeys(seen) if each is not None] == [mine, token]
    for storage in storages:
        with pytest.raises(ValueError, match=r"A secret would be kept with the deployment as plain text. Save it in a"):
            storage.to_pull_step()


def test_a_pull_that_is_cancelled_ends_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, pid = tmp_path / "git", tmp_path / "pid"
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    # It says that it has started, and stays.
    program.write_text(
        f"#!{sys.executable}\nimport os, signal\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        f"open({str(fifo)!r}, 'w').close()\nsignal.pause()\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    storage = GitRepository("https://example.com/x.git")
    storage.set_base_path(tmp_path / "here")

    async def run() -> None:
        pulling = asyncio.create_task(storage.pull_code())
        await asyncio.to_thread(lambda: fifo.open().close())
        pulling.cancel()
        await pulling

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_local_storage(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path / "x" / ".."))
    storage.set_base_path(Path("/elsewhere"))
    asyncio.run(storage.pull_code())
    assert storage.destination == tmp_path
    assert storage.to_pull_step() == {"antiphon.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}
    assert storage == LocalStorage(str(tmp_path)) and storage != LocalStorage("/")


def test_remote_storage(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/code/flows.py": b"x = 1", "/code/inner/more.py": b"y = 2"})
    folder = pulled(RemoteStorage("memory://code"), tmp_path)
    assert folder == tmp_path / "code"
    assert (folder / "flows.py").read_text() == "x = 1" and (folder / "inner" / "more.py").read_text() == "y = 2"
    with pytest.raises(
        RuntimeError, match=r"The code at memory://nowhere could not be brought here: FileNotFoundError"
    ):
        pulled(RemoteStorage("memory://nowhere"), tmp_path)


def test_steps_of_deployments() -> None:
    whole = GitRepository(
        "https://example.com/o/r.git", branch="b", include_submodules=True, directories=["d"], pull_interval=None
    )
    assert whole.to_pull_step() == {
        "antiphon.deployments.steps.git_clone": {
            "repository": "https://example.com/o/r.git",
            "branch": "b",
            "include_submodules": True,
            "directories": ["d"],
        }
    }
    assert RemoteStorage("s3://b/k", key="v").to_pull_step() == {
        "antiphon.deployments.steps.pull_from_remote_storage": {"url": "s3://b/k", "key": "v", "requires": "s3fs"}
    }
    with pytest.raises(ValueError, match=r"as plain text"):
        RemoteStorage("s3://b/k", secret=SecretStr("s")).to_pull_step()


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("https://example.com/o/r.git", GitRepository),
        ("git@example.com:o/r.git", GitRepository),
        ("ssh://git@example.com/o/r", GitRepository),
        ("file:///tmp/r.git", GitRepository),
        ("file:///tmp/r", LocalStorage),
        (".", LocalStorage),
        ("memory://x", RemoteStorage),
        ("s3://bucket/x", RemoteStorage),
    ],
)
def test_what_a_source_means(source: str, kind: type[Any]) -> None:
    made = create_storage_from_source(source, pull_interval=5)
    assert isinstance(made, kind) and isinstance(made, RunnerStorage)
    assert made.pull_interval == 5
    assert made == create_storage_from_source(source)


def test_a_source_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match=r"nobody knows nope://. Give a folder, the URL of a git repository"):
        create_storage_from_source("nope://x")


@pytest.fixture(params=["sync", "async"])
def from_source(request: pytest.FixtureRequest) -> Callable[..., Flow[..., Any]]:
    def both(source: Any, entrypoint: str) -> Flow[..., Any]:
        if request.param == "sync":
            return flow.from_source(source, entrypoint)
        return asyncio.run(Flow.afrom_source(source, entrypoint))

    return both


def test_a_flow_from_git(from_source: Callable[..., Flow[..., Any]], repository: Repository, stored: Stored) -> None:
    # What a flow imports as it runs is still there; its folder is named by its own.
    loaded = from_source(GitRepository(repository.url), "flows.py:hello")
    assert loaded.name == "hello" and isinstance(loaded._storage, GitRepository)
    sys.path.insert(0, str(loaded._storage.destination))
    try:
        assert loaded("Ada") == "hello Ada"
    finally:
        sys.path.pop(0)
        sys.modules.pop("helper_one", None)
    assert from_source(repository.url, "flows.py:hello").name == "hello"


def test_a_flow_from_a_folder(from_source: Callable[..., Flow[..., Any]], repository: Repository) -> None:
    assert from_source(repository.folder.rename(repository.folder.parent / "plain"), "flows.py:hello").name == "hello"
    (repository.folder.parent / "plain" / "by_name.py").write_text(PROGRAM.format(version="two"))
    assert from_source(str(repository.folder.parent / "plain"), "by_name.hello").name == "hello"
    sys.modules.pop("by_name")


def test_sources_that_lead_nowhere(from_source: Callable[..., Flow[..., Any]], tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"There is no folder /no/such, where the flow 'f.py:f' should be"):
        from_source("/no/such", "f.py:f")
    with pytest.raises(TypeError, match=r"A source of flows is a path, a URL, a storage of"):
        from_source(7, "f.py:f")
    with pytest.raises(ValueError, match=r"is no entrypoint"):
        from_source(str(tmp_path), "f.py")
    (tmp_path / "f.py").write_text("f = 1")
    with pytest.raises(MissingFlowError, match=r"is no flow but int"):
        from_source(str(tmp_path), "f.py:f")
    with pytest.raises(RuntimeError, match=r"could not be fetched"):
        from_source("file:///no/such.git", "f.py:f")
