"""Runs the type checker on code as users write it."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import antiphon


def check(folder: Path, code: str) -> list[str]:
    """The errors that mypy finds in user code. What it finds in a package that is installed, it keeps to itself."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    (folder / "user.py").write_text(textwrap.dedent(code))
    cache = Path(__file__).parents[1] / ".mypy_cache" / "user"
    options = ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={cache}"]
    command = [sys.executable, "-m", "mypy", *options, "user.py"]
    # An editable install is found by an import hook, which a type checker does not run.
    environment = os.environ | {"MYPYPATH": str(Path(antiphon.__file__).parents[1])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110)
    said = done.stdout.splitlines()
    assert "checked 1 source file" in said[-1], done.stdout + done.stderr
    return [line for line in said if line.startswith("user.py:") and ": error: " in line]


def check_by_pyright(program: Path, folder: Path, code: str, mode: str) -> list[tuple[int, str, str]]:
    """Line, rule and text of each error that pyright finds in user code."""
    (folder / "user.py").write_text(textwrap.dedent(code))
    (folder / "pyrightconfig.json").write_text(
        json.dumps(
            {
                "include": ["user.py"],
                "extraPaths": [str(Path(antiphon.__file__).parents[1])],
                "pythonVersion": "3.11",
                "typeCheckingMode": mode,
                # What a sample does not use says nothing of the SDK.
                "reportUnusedVariable": False,
            }
        )
    )
    command = [str(program), "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110)
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1, done.stdout + done.stderr
    return [
        (each["range"]["start"]["line"] + 1, each.get("rule", ""), each["message"])
        for each in found["generalDiagnostics"]
        if each["severity"] == "error"
    ]
