"""docs/deployments.md: its program, its file and its commands do what it says."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from running_server import RunningServer
from world import World

pytestmark = pytest.mark.timeout(120)


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deployments.md").read_text()
    (program,), (file,), (commands,) = (
        re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) for kind in ("python", "yaml", "sh")
    )
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "flows.py").write_text(program)
    (folder / "antiphon.yaml").write_text(file)
    with RunningServer(tmp_path) as server:
        world = World(server)
        world.call("CreateWorkPool", {"workPool": {"name": "local", "type": "process"}})
        environment = os.environ | {
            "ANTIPHON_HOME": str(tmp_path),
            "ANTIPHON_API_URL": server.target,
            "USER_OF_SHOP": "ann",
            "COLUMNS": "200",
        }

        def run(*command: str) -> str:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr[-3000:]}"
            return done.stdout

        assert "started report-" in run(sys.executable, "flows.py")
        antiphon = str(Path(sys.executable).parent / "antiphon")
        said = [run(antiphon, *shlex.split(line)[1:]) for line in commands.splitlines()]
        assert said[1].startswith("report/from-file would be made:")
        assert said[2] == "report/from-file is made.\n"
        found = world.call("ListDeployments", {"orderBy": "create_time"}).deployments
    names = [f"{each.flow_name}/{each.name}" for each in found]
    assert names == ["report/nightly", "report/by-hand", "overview/by-hand", "report/from-file", "report/once"]
    nightly, made = found[0], found[3]
    assert [(each.slug, each.paused) for each in nightly.schedules] == [("night", False), ("hourly", True)]
    assert (made.version, list(made.tags)) == ("built-1", ["sales"])
    assert json.loads(made.parameters.data) == {"shop": "west", "days": 2}
    assert json.loads(made.job_variables) == {"env": {"SHOP": "ann"}}
