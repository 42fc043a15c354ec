"""The programs of the pages for users: what is written there runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from running_server import RunningServer

PAGES = ["results.md", "watch.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_programs_of_a_page_run(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    with RunningServer(tmp_path) as server:
        environment = os.environ | {"ANTIPHON_HOME": str(tmp_path), "ANTIPHON_API_URL": server.target}
        for number, block in enumerate(blocks):
            # Tasks whose source counts need a file.
            program = tmp_path / f"block{number}.py"
            program.write_text(block)
            done = subprocess.run(
                [sys.executable, program], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{page}, program {number + 1}:\n{block}\n{done.stderr[-3000:]}"
