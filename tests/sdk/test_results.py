"""Results kept inline and in storage."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from antiphon.exceptions import MissingResult, ResultStorageError, SerializationError
from antiphon.payloads import JSON, REFERENCE, encoding_of, make_payload
from antiphon.result_storage import LocalStorage
from antiphon.result_storage_opening import open_storage
from antiphon.result_store import INLINE_LIMIT, ResultStore, is_reference, load
from antiphon.results import (
    aget_default_result_storage,
    aresolve_result_storage,
    get_default_result_storage,
    resolve_result_storage,
    resolve_serializer,
)
from antiphon.serializers import UnknownSerializer
from antiphon.settings import temporary_settings

LARGE = "x" * (INLINE_LIMIT + 1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with temporary_settings({"home": tmp_path}):
        yield tmp_path


def persist_large(store: ResultStore, key: str | None = None, value: str = LARGE) -> dict[str, object]:
    payload = store.persist(value, persist_result=True, key=key)
    assert payload is not None
    assert encoding_of(payload) == REFERENCE
    return dict(json.loads(payload.data))


def test_a_small_result_that_nobody_asked_to_keep_travels_inline(home: Path) -> None:
    # Two bytes are the quotes of JSON.
    payload = ResultStore().persist("x" * (INLINE_LIMIT - 2), persist_result=None)
    assert payload is not None
    assert encoding_of(payload) == JSON
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("value", [LARGE, [0] * 100_000, {str(i): i for i in range(20_000)}, {LARGE}, bytearray(10**6)])
def test_a_large_result_that_nobody_asked_to_keep_is_not_kept(home: Path, value: object) -> None:
    assert ResultStore().persist(value, persist_result=None) is None
    assert list(home.iterdir()) == []


def test_the_limit_of_what_travels_inline_is_a_setting() -> None:
    with temporary_settings({"results_inline_limit": 0}):
        assert ResultStore().persist(1, persist_result=None) is None
    with temporary_settings({"results_inline_limit": 10**6}):
        assert ResultStore().persist(LARGE, persist_result=None) is not None


def test_a_result_that_is_to_be_kept_is_written_and_found_again(home: Path) -> None:
    payload = ResultStore().persist(LARGE, persist_result=True, key="reports/may")
    assert payload is not None
    assert is_reference(payload)
    reference = json.loads(payload.data)
    path = home / "storage" / "reports" / "may"
    assert reference["key"] == "reports/may"
    assert reference["storage"] == (home / "storage").as_uri()
    assert reference["encoding"] == JSON
    assert reference["size"] == len(LARGE) + 2
    assert path.read_bytes().endswith(f'\n"{LARGE}"'.encode())
    assert load(payload) == LARGE
    assert os.listdir(path.parent) == ["may"]


def test_each_result_without_a_key_has_a_place_of_its_own() -> None:
    store = ResultStore()
    assert persist_large(store)["key"] != persist_large(store)["key"]


def test_false_keeps_nothing(home: Path) -> None:
    assert ResultStore().persist(1, persist_result=False) is None
    assert list(home.iterdir()) == []


def test_a_store_reads_what_it_wrote(home: Path) -> None:
    store = ResultStore()
    store.write({"a": 1}, key="k")
    assert store.exists("k")
    assert store.read("k").result == {"a": 1}
    assert not store.exists("other")
    with pytest.raises(MissingResult, match=r"No result is kept under .*other: no such file"):
        store.read("other")


def test_a_result_whose_time_is_over_does_not_count() -> None:
    store = ResultStore()
    store.write(1, key="old", expiration=datetime.now(UTC) - timedelta(seconds=1))
    store.write(2, key="new", expiration=datetime.now(UTC) + timedelta(hours=1))
    assert not store.exists("old")
    assert store.find("old") is None
    assert store.read("old").expired
    assert store.exists("new")


@pytest.mark.parametrize("content", [b"", b"no record", b'{"antiphon_result":1,"encoding":"json/plain"}\n1'])
def test_a_damaged_record_counts_as_none_and_is_reported(
    home: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = ResultStore()
    store.write(1, key="k")
    (home / "storage" / "k").write_bytes(content)
    with caplog.at_level("WARNING", "antiphon.results"):
        assert store.find("k") is None
    assert "'k' cannot be used and is made anew" in caplog.text
    with pytest.raises(SerializationError):
        store.read("k")


def test_descriptions_may_lie_apart_from_results(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    keys = tmp_path_factory.mktemp("keys")
    store = ResultStore(metadata_storage=keys)
    store.write([1, 2], key="k")
    assert (home / "storage" / "k").read_bytes() == b"[1,2]"
    assert (keys / "k").read_bytes().startswith(b'{"antiphon_result":1,')
    assert store.read("k").result == [1, 2]
    (keys / "k").unlink()
    assert not store.exists("k")


def test_a_block_is_a_storage(home: Path) -> None:
    class Box:
        """As a storage block, with a method of either kind."""

        def __init__(self) -> None:
            self.kept: dict[str, bytes] = {}

        def write_path(self, path: str, content: bytes) -> str:
            self.kept[path] = content
            return path

        async def read_path(self, path: str) -> bytes:
            try:
                return self.kept[path]
            except KeyError:
                raise ValueError(f"there is no {path}") from None

    store = ResultStore(Box())
    store.write("x", key="a")
    assert store.read("a").result == "x"
    assert not store.exists("b")
    payload = store.persist(LARGE, persist_result=True)
    assert payload is not None
    assert store.load(payload) == LARGE
    assert load(payload) == LARGE
    del store
    gc.collect()
    with pytest.raises(ResultStorageError, match=r"never saved.*block\.save"):
        load(payload)


@pytest.mark.parametrize("place", [5, object()])
def test_what_is_no_storage_is_said_so(place: object) -> None:
    with pytest.raises(TypeError, match="a folder, a URL or a storage block"):
        ResultStore(place)


def test_what_cannot_be_kept_is_an_error_only_where_it_was_asked_for() -> None:
    assert ResultStore().persist(threading.Lock(), persist_result=None) is None
    with pytest.raises(SerializationError, match="lock"):
        ResultStore().persist(threading.Lock(), persist_result=True)


def test_a_result_that_was_deleted_says_where_it_was_and_what_to_do(home: Path) -> None:
    payload = ResultStore().persist(LARGE, persist_result=True, key="gone")
    assert payload is not None
    path = home / "storage" / "gone"
    path.unlink()
    with pytest.raises(MissingResult, match=rf"{path} cannot be read: no such file.*Run it again"):
        load(payload)


@pytest.mark.parametrize("content", [b"", b"y" * (len(LARGE) + 2)])
def test_a_result_that_is_not_what_was_written_is_missing(home: Path, content: bytes) -> None:
    payload = ResultStore().persist(LARGE, persist_result=True, key="k")
    assert payload is not None
    (home / "storage" / "k").write_bytes(content)
    with pytest.raises(MissingResult, match="not the one that was written"):
        load(payload)


def test_a_second_result_under_a_key_replaces_the_first() -> None:
    store = ResultStore()
    first = store.persist(LARGE, persist_result=True, key="k")
    second = store.persist(LARGE + "2", persist_result=True, key="k")
    assert first is not None
    assert second is not None
    assert load(second) == LARGE + "2"
    with pytest.raises(MissingResult, match="another run with the same storage key"):
        load(first)


def test_a_result_is_found_where_the_storage_was_moved_to(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    payload = ResultStore().persist(LARGE, persist_result=True, key="k")
    assert payload is not None
    moved = tmp_path_factory.mktemp("moved") / "storage"
    (home / "storage").rename(moved)
    with temporary_settings({"results_local_storage_path": moved}):
        assert load(payload) == LARGE


def test_a_storage_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultStorageError, match=r"could not be written to .*ANTIPHON_RESULTS_LOCAL_STORAGE_PATH"):
        ResultStore(tmp_path / "file").persist(LARGE, persist_result=True)


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
    payload = ResultStore("memory://results/here").persist(LARGE, persist_result=True, key="a/b")
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
    payload = store.persist(LARGE, persist_result=True, key="k")
    assert payload is not None
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", denied)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", denied)
    with pytest.raises(ResultStorageError, match=r"memory://results/denied/k: RuntimeError: access denied"):
        store.persist(LARGE, persist_result=True, key="k")
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


def test_what_blocks_has_a_twin_that_is_awaited() -> None:
    async def kept() -> bool:
        store = ResultStore()
        await store.awrite({"a": 1}, "twin")
        assert (await store.aread("twin")).result == {"a": 1}
        assert (await aresolve_result_storage(".")).url == resolve_result_storage(".").url
        assert (await aget_default_result_storage()).url == get_default_result_storage().url
        return await store.aexists("twin")

    assert asyncio.run(kept())


def test_a_serializer_by_its_name() -> None:
    assert resolve_serializer("compressed/json").type == "compressed/json"
    with pytest.raises(UnknownSerializer):
        resolve_serializer("no such")


def test_descriptions_and_bytes_in_one_place(home: Path) -> None:
    store = ResultStore(home / "kept", metadata_storage=home / "kept")
    store.write("x", key="a")
    assert store.read("a").result == "x"
