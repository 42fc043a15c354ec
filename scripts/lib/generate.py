"""Generates the Python client from `proto/` into `sdk/python/antiphon/v1` (or the folder given as argument).

The contract imports protovalidate's options. Their generated module would land in a top-level package `buf` and could
collide with another distribution's, so it is kept as `antiphon._vendor.validate_pb2` and the imports are pointed there.
"""

import importlib.resources
import os
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "sdk" / "python"


def run_protoc(*arguments: str) -> None:
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    command = ["protoc", f"-I{ROOT / 'proto'}", f"-I{ROOT / 'third_party'}", f"-I{well_known}", *arguments]
    if protoc.main(command) != 0:
        sys.exit("protoc failed; its messages stand above")


def generate(target: Path) -> None:
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    contract = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    services = [name for name in contract if name.endswith("_service.proto")]
    with tempfile.TemporaryDirectory() as scratch:
        run_protoc(f"--python_out={scratch}", f"--pyi_out={scratch}", *contract, "buf/validate/validate.proto")
        run_protoc(f"--grpc_python_out={scratch}", f"--mypy_grpc_out={scratch}", *services)
        install(Path(scratch) / "antiphon" / "v1", target / "antiphon" / "v1")
        install(Path(scratch) / "buf" / "validate", target / "antiphon" / "_vendor")


def install(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / "__init__.py").touch()
    for path in sorted(source.iterdir()):
        text = path.read_text()
        text = text.replace("from buf.validate import", "from antiphon._vendor import")
        text = text.replace("import buf.validate.validate_pb2", "import antiphon._vendor.validate_pb2")
        (target / path.name).write_text(text)


if __name__ == "__main__":
    generate(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else TARGET)
