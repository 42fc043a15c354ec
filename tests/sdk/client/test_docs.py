"""What docs/client.md shows runs as it stands there, and names what is there."""

import re
from pathlib import Path

import pytest

from antiphon.client.operation import operation
from antiphon.client.orchestration import AntiphonClient
from stored import Stored

PAGE = Path(__file__).resolve().parents[3] / "docs" / "client.md"


def test_the_code_runs(stored: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
    assert "ACCEPT ['Pending', 'Running', 'Completed']" in capsys.readouterr().out


def test_every_method_is_named() -> None:
    table = re.findall(r"^\|.*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", "\n".join(table)))
    there = {name for name in dir(AntiphonClient) if isinstance(getattr(AntiphonClient, name), operation)}
    assert named == there | {"client_version"}
