"""What the README shows runs as it stands there."""

import re
from pathlib import Path

import pytest

from stored import Stored

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_flow_in_the_readme(stored: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(README), "exec"), {"__name__": "__main__"})
    assert "17.5 degrees" in capsys.readouterr().err
    [run] = stored.flow_runs("weather")
    assert [each.name for each in stored.task_runs(run.id)] == [
        *("temperature-0", "temperature-1", "temperature-2"),
        "warmest-0",
    ]
