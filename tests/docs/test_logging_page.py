"""docs/logging.md: its code runs under its configuration."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "logging.md").read_text()


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_code_logs_as_the_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "logging.yml").write_text(block("yaml"))
    (tmp_path / "etl.py").write_text(
        "from antiphon.testing.utilities import antiphon_test_harness\n"
        f"{block('python')}\nwith antiphon_test_harness():\n    etl()\n"
    )
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")},
        "ANTIPHON_HOME": str(tmp_path),
        "ANTIPHON_LOGGING_CONFIG_PATH": str(tmp_path / "logging.yml"),
    }
    command = [sys.executable, "etl.py"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    lines = [line.partition(" | ")[2] for line in ended.stderr.splitlines()]
    assert "INFO    | Task run 'load-0' - loading a.csv" in lines
    assert re.fullmatch(r"INFO    \| Flow run '[\w-]+' - beginning", lines[1])
