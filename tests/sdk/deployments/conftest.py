"""A project in a folder of its own, and a server with a work pool."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.exceptions import ObjectNotFound
from antiphon.service_client import ServiceClient
from antiphon.v1.work_pool_pb2 import WorkPool, WorkQueue
from antiphon.v1.work_pool_service_pb2 import CreateWorkPoolRequest, CreateWorkQueueRequest, GetWorkPoolRequest
from stored import Stored

FLOWS = '''
from antiphon import flow, task


@flow
def hello(name: str = "world", times: int = 1) -> str:
    """Says hello."""
    return f"hello {name}"


@flow(name="other", version="2.1")
async def another(x: int) -> int:
    return x


@task
def no_flow() -> None: ...


class Jobs:
    @flow
    def inside(self) -> None: ...
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with flows.py, which is the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flows.py").write_text(FLOWS)
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith("__antiphon_script_") or getattr(sys.modules[name], "__file__", None) is None:
            continue
        if str(folder) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """A bare repository with the flows and a file that says which version it is: 1 at the tag `v1`, 2 on `main`."""
    work, bare = tmp_path / "work", tmp_path / "code.git"
    work.mkdir()

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *arguments], cwd=work, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    (work / "flows.py").write_text(FLOWS)
    (work / "version.txt").write_text("1")
    git("add", ".")
    git("commit", "-m", "first")
    git("tag", "v1")
    (work / "version.txt").write_text("2")
    git("commit", "-am", "second")
    git("clone", "--quiet", "--bare", str(work), str(bare))
    return bare.as_uri()


@pytest.fixture
def pool(stored: Stored) -> str:
    """A work pool for processes; it has a queue besides its first one."""
    return made_pool(stored.client, "local", "process")


@pytest.fixture
def containers(stored: Stored) -> str:
    """A work pool for Docker."""
    return made_pool(stored.client, "containers", "docker")


def made_pool(client: ServiceClient, name: str, kind: str) -> str:
    """The server is that of all tests of a process: another test may have made it."""
    try:
        client.call(client.work_pools.GetWorkPool, GetWorkPoolRequest(name=name))
    except ObjectNotFound:
        pool = WorkPool(name=name, type=kind)
        made = client.call(client.work_pools.CreateWorkPool, CreateWorkPoolRequest(work_pool=pool)).work_pool
        urgent = WorkQueue(name="urgent", work_pool_id=made.id)
        client.call(client.work_pools.CreateWorkQueue, CreateWorkQueueRequest(work_queue=urgent))
    return name
