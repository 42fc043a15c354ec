"""Places for bytes: read, written, copied, and nothing outside of them."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from antiphon import remote_files
from antiphon.filesystems import SMB, LocalFileSystem, NullFileSystem, RemoteFileSystem
from kinds import Kind
from stored import Stored


@pytest.fixture
def local(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem(basepath=tmp_path / "base")


@pytest.fixture
def remote() -> RemoteFileSystem:
    return RemoteFileSystem(basepath=f"memory://{uuid4()}/x/")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with some files and a list of those that nobody wants."""
    folder = tmp_path / "project"
    for name, text in (
        ("a.py", "a"),
        ("deep/b.py", "b"),
        ("deep/c.log", "c"),
        ("data/d", "d"),
        (".ignore", "*.log\ndata/"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_bytes_are_written_and_read(local: LocalFileSystem, remote: RemoteFileSystem, kind: Kind) -> None:
    @kind.function
    def life() -> Any:
        for place in (local, remote):
            path = yield place.write_path("deep/er/file", b"one")
            assert (yield place.read_path("deep/er/file")) == (yield place.read_path(path)) == b"one"
            yield place.write_path("deep/er/file", b"two")
            assert (yield place.read_path("deep/er/file")) == b"two"

    kind.call(life)


def test_the_twins_are_coroutines_anywhere(local: LocalFileSystem, remote: RemoteFileSystem, project: Path) -> None:
    async def life() -> None:
        for place in (local, remote):
            await place.awrite_path("x", b"1")
            assert await place.aread_path("x") == b"1"
            await place.aput_directory(str(project), "p")
            await place.aget_directory("p", str(project.parent / f"back-{type(place).__name__}"))
        null = NullFileSystem()
        assert await null.read_path("x") is await null.write_path("x", b"") is None
        assert await null.get_directory() is await null.put_directory() is None

    asyncio.run(life())
    assert files_in(project.parent / "back-RemoteFileSystem") == files_in(project)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "~/x"])
def test_a_local_path_that_leads_out_is_refused(local: LocalFileSystem, path: str) -> None:
    for call in (
        lambda: local.read_path(path),
        lambda: local.write_path(path, b""),
        lambda: local.get_directory(path, "/nowhere"),
        lambda: local.put_directory(".", path),
    ):
        with pytest.raises(ValueError, match=r"outside of the folder .*base\. Use a path inside of it"):
            call()


def test_a_link_that_leads_out_is_refused(local: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    local.write_path("folder/file", b"1")
    (tmp_path / "base" / "folder" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="outside of the folder"):
        local.read_path("folder/link")
    with pytest.raises(ValueError, match=r"The symbolic link .*link leads to .*secret, outside"):
        local.get_directory("folder", str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "memory://elsewhere/x", "s3://bucket/x"])
def test_a_remote_path_that_leads_out_is_refused(remote: RemoteFileSystem, path: str) -> None:
    for call in (lambda: remote.read_path(path), lambda: remote.write_path(path, b"")):
        with pytest.raises(ValueError, match=r"outside of the folder|has the scheme 's3'"):
            call()


def test_what_is_not_there_or_no_file_is_told(local: LocalFileSystem, remote: RemoteFileSystem, tmp_path: Path) -> None:
    local.write_path("folder/file", b"")
    with pytest.raises(ValueError, match=r"There is no file .*gone\."):
        local.read_path("gone")
    with pytest.raises(ValueError, match=r"folder is no file\."):
        local.read_path("folder")
    with pytest.raises(FileNotFoundError):
        remote.read_path("gone")
    with pytest.raises(FileNotFoundError, match="There is no memory://"):
        remote.get_directory("gone", str(tmp_path / "copy"))


def test_folders_are_copied_but_for_what_is_ignored(
    local: LocalFileSystem, remote: RemoteFileSystem, project: Path, tmp_path: Path
) -> None:
    local.put_directory(str(project), "all")
    local.put_directory(str(project), "some", ignore_file=str(project / ".ignore"))
    assert files_in(tmp_path / "base" / "all") == files_in(project)
    assert files_in(tmp_path / "base" / "some") == [".ignore", "a.py", "deep/b.py"]
    local.get_directory("some", str(tmp_path / "back"))
    assert files_in(tmp_path / "back") == [".ignore", "a.py", "deep/b.py"]
    assert remote.put_directory(str(project), "some", ignore_file=str(project / ".ignore")) == 3
    assert remote.put_directory(str(project), "some", overwrite=False) == 2
    remote.get_directory("some", str(tmp_path / "far"))
    assert files_in(tmp_path / "far") == files_in(project)


def test_a_folder_is_put_into_one_that_is_in_it(project: Path) -> None:
    inner = LocalFileSystem(basepath=str(project / "inner"))
    inner.put_directory(str(project))
    assert files_in(project / "inner") == [".ignore", "a.py", "data/d", "deep/b.py", "deep/c.log"]


@pytest.mark.parametrize(
    ("base", "said"),
    [("/tmp/x", "begin with a scheme"), ("file:///tmp", "use LocalFileSystem"), ("s3://", "must say a place")],
)
def test_a_wrong_base_is_told(base: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RemoteFileSystem(basepath=base)


def test_a_scheme_that_fsspec_does_not_have_is_told_with_what_to_install() -> None:
    with pytest.raises(remote_files.FileSystemUnavailable, match="install the package that fsspec needs"):
        RemoteFileSystem(basepath="nonsense://x/y").read_path("z")


def test_smb_says_what_fsspec_needs() -> None:
    share = SMB(
        smb_host="files.example.com", share_path="/SHARE/dir", smb_username="ann", smb_password="pw", smb_port=446
    )
    assert share.basepath == "smb://files.example.com/SHARE/dir"
    with pytest.raises(ValueError, match=r"outside of the folder smb://files\.example\.com/SHARE/dir"):
        share.read_path("../other")
    with pytest.raises(remote_files.FileSystemUnavailable, match=r"'antiphon\[smb\]' for smb://"):
        share.read_path("x")


def test_they_are_saved_and_loaded_with_their_settings_kept_secret(stored: Stored, local: LocalFileSystem) -> None:
    local.save("local", overwrite=True)
    assert LocalFileSystem.load("local").basepath == local.basepath
    settings = {"key": "k", "secret": "hunter2", "port": 5}
    remote = RemoteFileSystem(basepath="s3://bucket/folder", settings=settings)
    assert "hunter2" not in repr(remote)
    remote.save("remote", overwrite=True)
    assert RemoteFileSystem.load("remote").settings == settings
    assert "settings" in RemoteFileSystem.model_json_schema()["secret_fields"]
    assert LocalFileSystem.get_block_capabilities() == {"read-path", "write-path", "get-directory", "put-directory"}
