"""The fuzzer: its seeds, a short turn of everything, and that it finds what is broken."""

from pathlib import Path

import pytest

import fuzzing.__main__
from fuzzing.__main__ import main
from fuzzing.conversation import joined, messages_in
from fuzzing.seeds import seeds
from fuzzing.targets import TARGETS
from tools_needed import need_extra

#: Plays a target that breaks at what is five bytes long.
BROKEN = """
import sys
from types import MappingProxyType
from fuzzing import playing

def broken(data):
    if len(data) == 5:
        raise ValueError("five bytes")

playing.TARGETS = MappingProxyType({"query": broken})
playing.main(*sys.argv[1:])
"""


@pytest.mark.parametrize("name", TARGETS)
def test_no_seed_breaks_its_target(name: str) -> None:
    found = seeds(name)
    assert len(found) >= 3
    for seed in found:
        TARGETS[name](seed)


def test_messages_of_a_session_come_apart_as_they_were_joined() -> None:
    assert list(messages_in(joined(b"", b"one", b"x" * 300))) == [b"", b"one", b"x" * 300]
    assert list(messages_in(joined(b"one")[:-1])) == [b"on"]


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_turn(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need_extra("atheris", "fuzz")
    assert main(["--seconds", "2", "--target", name, "--folder", str(tmp_path)]) == 0, capfd.readouterr().out
    assert f"{name}: " in capfd.readouterr().out


def test_what_is_broken_is_found_and_can_be_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    need_extra("atheris", "fuzz")
    monkeypatch.setattr(fuzzing.__main__, "PLAYER", ("-c", BROKEN))
    assert main(["--seconds", "60", "--target", "query", "--folder", str(tmp_path)]) == 1
    (found,) = (tmp_path / "query").glob("crash-*")
    assert len(found.read_bytes()) == 5
    told = capfd.readouterr().out
    assert "ValueError: five bytes" in told
    assert f"--target query --replay {found}" in told


def test_one_input_is_given_again(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(seeds("query")[0])
    assert main(["--target", "query", "--replay", str(tmp_path / "input")]) == 0
    with pytest.raises(SystemExit):
        main(["--replay", str(tmp_path / "input")])
