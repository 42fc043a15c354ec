"""Results kept inline and in storage."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from antiphon.exceptions import MissingResult, ResultStorageError, SerializationError
from antiphon.payloads import JSON, REFERENCE, encoding_of, make_payload
from antiphon.result_storage import LocalStorage
from antiphon.result_storage_opening import open_storage
from antiphon.results import INLINE_LIMIT, ResultStore, is_reference, load
from antiphon.settings import temporary_settings

LARGE = "x" * (INLINE_LIMIT + 1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with temporary_settings({"home": tmp_path}):
        yield tmp_path


def persist_large(store: ResultStore, key: str | None = None, value: str = LARGE) -> dict[str, object]:
    payload = store.persist(value, persist_result=None, key=key)
    assert payload is not None
    assert encoding_of(payload) == REFERENCE
    return dict(json.loads(payload.data))


def test_a_small_result_travels_inline(home: Path) -> None:
    # Two bytes are the quotes of JSON.
    payload = ResultStore().persist("x" * (INLINE_LIMIT - 2), persist_result=None)
    assert payload is not None
    assert encoding_of(payload) == JSON
    assert list(home.iterdir()) == []


def test_a_large_result_is_written_and_found_again(home: Path) -> None:
    payload = ResultStore().persist(LARGE, persist_result=None, key="reports/may")
    assert payload is not None
    assert is_reference(payload)
    reference = json.loads(payload.data)
    path = home / "storage" / "reports" / "may"
    assert reference["key"] == "reports/may"
    assert reference["storage"] == (home / "storage").as_uri()
    assert reference["encoding"] == JSON
    assert reference["size"] == path.stat().st_size == len(LARGE) + 2
    assert load(payload) == LARGE
    assert os.listdir(path.parent) == ["may"]


def test_each_result_without_a_key_has_a_place_of_its_own() -> None:
    store = ResultStore()
    assert persist_large(store)["key"] != persist_large(store)["key"]


def test_false_and_the_setting_keep_nothing(home: Path) -> None:
    assert ResultStore().persist(LARGE, persist_result=False) is None
    with temporary_settings({"results_persist_by_default": False}):
        assert ResultStore().persist(1, persist_result=None) is None
        assert ResultStore().persist(1, persist_result=True) is not None
    assert list(home.iterdir()) == []


def test_what_cannot_be_kept_is_an_error_only_where_it_was_asked_for() -> None:
    assert ResultStore().persist(threading.Lock(), persist_result=None) is None
    with pytest.raises(SerializationError, match="lock"):
        ResultStore().persist(threading.Lock(), persist_result=True)


def test_a_result_that_was_deleted_says_where_it_was_and_what_to_do(home: Path) -> None:
    payload = ResultStore().persist(LARGE, persist_result=None, key="gone")
    assert payload is not None
    path = home / "storage" / "gone"
    path.unlink()
    with pytest.raises(MissingResult, match=rf"{path} cannot be read: no such file.*Run it again"):
        load(payload)


@pytest.mark.parametrize("content", [b"", b"y" * (len(LARGE) + 2)])
def test_a_result_that_is_not_what_was_written_is_missing(home: Path, content: bytes) -> None:
    payload = ResultStore().persist(LARGE, persist_result=None, key="k")
    assert payload is not None
    (home / "storage" / "k").write_bytes(content)
    with pytest.raises(MissingResult, match="not the one that was written"):
        load(payload)


def test_a_second_result_under_a_key_replaces_the_first() -> None:
    store = ResultStore()
    first = store.persist(LARGE, persist_result=None, key="k")
    second = store.persist(LARGE + "2", persist_result=None, key="k")
    assert first is not None
    assert second is not None
    assert load(second) == LARGE + "2"
    with pytest.raises(MissingResult, match="another run with the same storage key"):
        load(first)


def test_a_result_is_found_where_the_storage_was_moved_to(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    payload = ResultStore().persist(LARGE, persist_result=None, key="k")
    assert payload is not None
    moved = tmp_path_factory.mktemp("moved") / "storage"
    (home / "storage").rename(moved)
    with temporary_settings({"results_local_storage_path": moved}):
        assert load(payload) == LARGE


def test_a_storage_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultStorageError, match=r"could not be written to .*ANTIPHON_RESULTS_LOCAL_STORAGE_PATH"):
        ResultStore(tmp_path / "file").persist(LARGE, persist_result=None)


def test_a_write_that_fails_leaves_neither_a_part_nor_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("k", b"before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultStorageError, match="No space left on device"):
        storage.write("k", b"after")
    assert os.listdir(tmp_path) == ["k"]
    assert storage.read("k") == b"before"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../up", "a/../../b", "a//b", "a/", "./a", "nul\0"])
def test_a_key_cannot_leave_the_storage(tmp_path: Path, key: str) -> None:
    with pytest.raises(ResultStorageError, match="cannot be the key"):
        LocalStorage(tmp_path).write(key, b"x")


@pytest.mark.parametrize("data", [b"nope", b"[]", b"{}", b'{"storage":1,"key":"k","size":1,"encoding":"","sha256":""}'])
def test_a_broken_reference_is_no_value(data: bytes) -> None:
    with pytest.raises(SerializationError, match="reference to a result"):
        load(make_payload(REFERENCE, data))


def test_storages_are_opened_by_path_and_by_file_url(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    for place in (folder, str(folder), folder.as_uri()):
        assert open_storage(place).url == folder.as_uri()
    with pytest.raises(ResultStorageError, match="no folder on this machine"):
        open_storage("file://elsewhere/folder")


def test_another_storage_is_reached_by_its_url() -> None:
    payload = ResultStore("memory://results/here").persist(LARGE, persist_result=None, key="a/b")
    assert payload is not None
    assert json.loads(payload.data)["storage"] == "memory://results/here"
    assert load(payload) == LARGE
    missing = json.loads(payload.data) | {"key": "a/c"}
    with pytest.raises(MissingResult, match="memory://results/here/a/c"):
        load(make_payload(REFERENCE, json.dumps(missing).encode()))


def test_what_goes_wrong_in_another_storage_is_ours_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("access denied")

    store = ResultStore("memory://results/denied")
    payload = store.persist(LARGE, persist_result=None, key="k")
    assert payload is not None
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", denied)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", denied)
    with pytest.raises(ResultStorageError, match=r"memory://results/denied/k: RuntimeError: access denied"):
        store.persist(LARGE, persist_result=None, key="k")
    with pytest.raises(MissingResult, match="RuntimeError: access denied"):
        store.load(payload)


def test_a_url_that_nobody_knows_says_so() -> None:
    with pytest.raises(ResultStorageError, match=r"'nonsense://x' cannot be opened.*fsspec"):
        ResultStore("nonsense://x")


def test_local_results_do_not_load_fsspec() -> None:
    code = (
        "import sys, antiphon.states, antiphon.results as r\n"
        "assert r.load(r.ResultStore().persist('x' * 40000, persist_result=True))\n"
        "print([m for m in ('fsspec', 'pydantic', 'grpc', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    with temporary_settings() as settings:
        return {**os.environ, "ANTIPHON_HOME": str(settings.home)}
