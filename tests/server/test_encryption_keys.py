"""The server's keys: read from text, kept in a file."""

import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.encryption_keys import KeyRing, keys_of

ONE, TWO = (base64.urlsafe_b64encode(bytes([each] * 32)).decode() for each in (1, 2))


@pytest.mark.parametrize("text", [f"{ONE},{TWO}", f" {ONE} , {TWO}\n", f"{ONE}\n{TWO}", f",{ONE},,{TWO},"])
def test_keys_are_apart_by_commas_and_spaces(text: str) -> None:
    assert keys_of(text, "X") == (ONE, TWO)


def test_no_text_has_no_key() -> None:
    assert keys_of(" ,\n", "X") == ()


@pytest.mark.parametrize("wrong", ["hunter2", ONE[:-2], "ä" * 44, f"{ONE}{TWO}"])
def test_what_is_no_key_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(FailedPrecondition, match=r"X: key 2 of 2 is no Fernet key.*Make one with") as caught:
        keys_of(f"{ONE},{wrong}", "X")
    assert wrong not in caught.value.message and ONE not in caught.value.message


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    ring = KeyRing.beside(tmp_path / "antiphon.db", ())
    assert ring.keys() == ()
    threads = [threading.Thread(target=ring.make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (key,) = ring.keys()
    Fernet(key)
    ring.make()
    assert ring.keys() == (key,)
    assert [path.name for path in tmp_path.iterdir()] == ["encryption.key"]
    assert stat.S_IMODE(os.stat(tmp_path / "encryption.key").st_mode) == 0o600


def test_the_kept_key_comes_after_those_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "encryption.key").write_text(TWO)
    assert KeyRing.beside(tmp_path / "antiphon.db", (ONE,)).keys() == (ONE, TWO)


def test_a_file_without_a_key_in_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "encryption.key").write_text("nonsense")
    with pytest.raises(FailedPrecondition, match=r"encryption\.key: key 1 of 1 is no Fernet key"):
        KeyRing.beside(tmp_path / "antiphon.db", ()).keys()


def test_a_key_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "encryption.key").mkdir()
    with pytest.raises(FailedPrecondition, match="cannot be read: Is a directory") as caught:
        KeyRing.beside(tmp_path / "antiphon.db", ()).keys()
    assert caught.value.reason == "ENCRYPTION_KEY_UNREADABLE"
    with pytest.raises(FailedPrecondition, match="cannot be written: No such file"):
        KeyRing.beside(tmp_path / "gone" / "antiphon.db", ()).make()
