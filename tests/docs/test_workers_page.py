"""docs/workers.md: its programs and its commands do what it says."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from farm import Farm, farm_of
from python_programs import programs
from running_server import RunningServer
from until import until

pytestmark = pytest.mark.timeout(150)

PAGE = (ROOT / "docs" / "workers.md").read_text()
SERVING, OWN_TYPE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMANDS,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
START = """
if __name__ == "__main__":
    asyncio.run(ShellWorker("shells", name="own").start(run_once=True))
"""


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    home = tmp_path / "server"
    home.mkdir()
    with RunningServer(home) as server, farm_of(server, tmp_path) as made:
        yield made


def environment_of(farm: Farm) -> dict[str, str]:
    return {"ANTIPHON_API_URL": farm.server.target, "ANTIPHON_HOME": str(farm.folder.parent), "COLUMNS": "200"}


def served(farm: Farm) -> list[Any]:
    return list(farm.call("ListDeployments", {"orderBy": "create_time"}).deployments)


def test_the_program_serves_its_flows(farm: Farm) -> None:
    (farm.folder / "program.py").write_text(SERVING)
    antiphon = str(Path(sys.executable).parent / "antiphon")
    with programs() as start:
        program = start(str(farm.folder / "program.py"), **environment_of(farm))
        until(lambda: len(served(farm)) == 2, 60)
        subprocess.run(
            [antiphon, "deployment", "run", "greet/served", "--param", "name=Ann"],
            env=os.environ | environment_of(farm),
            check=True,
            capture_output=True,
        )
        (run,) = [each for each in farm.call("ListFlowRuns", {}).flow_runs if not each.auto_scheduled]
        assert farm.ended(run.id).state.name == "Completed"
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0
    assert all(each.paused for each in served(farm))


def test_the_commands_do_what_they_say(farm: Farm) -> None:
    antiphon = str(Path(sys.executable).parent / "antiphon")
    said = []
    for line in COMMANDS.splitlines():
        command = [antiphon, *shlex.split(line)[1:]]
        done = subprocess.run(command, env=os.environ | environment_of(farm), capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr[-3000:]}"
        said.append(done.stdout)
    assert "Worker 'here' started" in said[1]
    assert "here" in said[2]
    assert "fast" in said[3]
    assert not farm.call("ListWorkers", {}).workers


def test_the_type_of_your_own_runs_runs(farm: Farm) -> None:
    farm.pool("shells", type="shell")
    farm.write("import os\nfrom antiphon import flow\n@flow\ndef work(): mark(str(os.nice(0)))")
    run = farm.run(farm.deploy(pool="shells"))
    (farm.folder / "own.py").write_text(OWN_TYPE + START)
    with programs() as start:
        worker = start(str(farm.folder / "own.py"), **environment_of(farm))
        assert farm.ended(run).state.name == "Completed"
        assert worker.wait(60) == 0, worker.communicate()
    assert len(farm.marks) == 1
