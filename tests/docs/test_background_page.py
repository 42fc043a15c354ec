"""docs/background-tasks.md: its worker serves, and its caller gets the result."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from python_programs import programs
from running_server import RunningServer

pytestmark = pytest.mark.timeout(120)


def test_the_programs_of_the_page_run_together(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "background-tasks.md").read_text()
    worker, caller = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "jobs.py").write_text(worker)
    (tmp_path / "caller.py").write_text(caller)
    with RunningServer(tmp_path) as server, programs() as start:
        environment = {"ANTIPHON_HOME": str(tmp_path), "ANTIPHON_API_URL": server.target}
        start(str(tmp_path / "jobs.py"), **environment)
        done = subprocess.run(
            [sys.executable, tmp_path / "caller.py"], env=os.environ | environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr[-3000:]
