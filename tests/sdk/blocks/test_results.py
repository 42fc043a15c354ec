"""Results of runs in storage blocks: an object, or the name of a saved one."""

from pathlib import Path
from typing import Any

import pytest

from antiphon.exceptions import MissingResult, ResultStorageError
from antiphon.filesystems import LocalFileSystem, RemoteFileSystem
from antiphon.result_storage_opening import open_storage
from antiphon.result_store import ResultStore
from kinds import Kind
from stored import Stored


def test_results_are_kept_in_a_saved_block(stored: Stored, kind: Kind, tmp_path: Path) -> None:
    LocalFileSystem(basepath=tmp_path / "kept").save(f"results-{kind}", overwrite=True)

    @kind.task(persist_result=True, result_storage=f"local-file-system/results-{kind}")
    def number() -> int:
        return 42

    @kind.flow()
    def counting() -> Any:
        return (yield number())

    assert kind.call(counting) == 42
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]


@pytest.mark.parametrize("place", ["local", "memory"])
def test_what_is_not_there_is_missing(place: str, tmp_path: Path) -> None:
    block = LocalFileSystem(basepath=tmp_path) if place == "local" else RemoteFileSystem(basepath="memory://none/x")
    storage = open_storage(block)
    with pytest.raises(FileNotFoundError):
        storage.read("gone")
    storage.write("there", b"1")
    assert storage.read("there") == b"1"


def test_what_is_missing_is_named_by_its_path(tmp_path: Path) -> None:
    store = ResultStore(LocalFileSystem(basepath=tmp_path))
    with pytest.raises(MissingResult, match=f"{tmp_path}/gone: no such file"):
        store.read("gone")


def test_a_block_that_was_never_saved_is_told(stored: Stored) -> None:
    with pytest.raises(ResultStorageError, match="'local-file-system/never-saved' cannot be loaded: there is no block"):
        open_storage("local-file-system/never-saved")
