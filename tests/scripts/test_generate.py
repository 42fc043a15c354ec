"""The committed clients are what `scripts/generate` makes of `proto/`, to the byte."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("antiphon/v1", "antiphon/_vendor")


def read_tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("generated")
    command = [sys.executable, str(ROOT / "scripts" / "lib" / "generate.py"), str(target)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target


@pytest.mark.parametrize("package", GENERATED)
def test_the_committed_python_is_reproduced_byte_for_byte(generated: Path, package: str) -> None:
    made = read_tree(generated / package)
    kept = read_tree(ROOT / "sdk" / "python" / package)
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_every_proto_file_has_its_module(generated: Path) -> None:
    contract = {path.stem for path in (ROOT / "proto" / "antiphon" / "v1").glob("*.proto")}
    made = {path.stem for path in (generated / "antiphon" / "v1").glob("*.py")}
    assert contract
    assert {f"{name}_pb2" for name in contract} <= made
