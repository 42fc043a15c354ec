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
from python_programs import programs
from running_server import RunningServer
from until import until
from work_site import WorkSite, site_of

pytestmark = pytest.mark.timeout(150)

PAGE = (ROOT / "docs" / "workers.md").read_text()
SERVING, OWN_TYPE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMANDS,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
START = """
if __name__ == "__main__":
    asyncio.run(ShellWorker("shells", name="own").start(run_once=True))
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WorkSite]:
    home = tmp_path / "server"
    home.mkdir()
    with RunningServer(home) as server, site_of(server, tmp_path) as made:
        yield made


def environment_of(site: WorkSite) -> dict[str, str]:
    return {"ANTIPHON_API_URL": site.server.target, "ANTIPHON_HOME": str(site.folder.parent), "COLUMNS": "200"}


def served(site: WorkSite) -> list[Any]:
    return list(site.call("ListDeployments", {"orderBy": "create_time"}).deployments)


def test_the_program_serves_its_flows(site: WorkSite) -> None:
    (site.folder / "program.py").write_text(SERVING)
    antiphon = str(Path(sys.executable).parent / "antiphon")
    with programs() as start:
        program = start(str(site.folder / "program.py"), **environment_of(site))
        until(lambda: len(served(site)) == 2, 60)
        subprocess.run(
            [antiphon, "deployment", "run", "greet/served", "--param", "name=Ann"],
            env=os.environ | environment_of(site),
            check=True,
            capture_output=True,
        )
        (run,) = [each for each in site.call("ListFlowRuns", {}).flow_runs if not each.auto_scheduled]
        assert site.ended(run.id).state.name == "Completed"
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0
    assert all(each.paused for each in served(site))


def test_the_commands_do_what_they_say(site: WorkSite) -> None:
    antiphon = str(Path(sys.executable).parent / "antiphon")
    said = []
    for line in COMMANDS.splitlines():
        command = [antiphon, *shlex.split(line)[1:]]
        done = subprocess.run(command, env=os.environ | environment_of(site), capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr[-3000:]}"
        said.append(done.stdout)
    assert "Worker 'here' started" in said[1]
    assert "here" in said[2]
    assert "fast" in said[3]
    assert not site.call("ListWorkers", {}).workers


def test_the_type_of_your_own_runs_runs(site: WorkSite) -> None:
    site.pool("shells", type="shell")
    site.write("import os\nfrom antiphon import flow\n@flow\ndef work(): mark(str(os.nice(0)))")
    run = site.run(site.deploy(pool="shells"))
    (site.folder / "own.py").write_text(OWN_TYPE + START)
    with programs() as start:
        worker = start(str(site.folder / "own.py"), **environment_of(site))
        assert site.ended(run).state.name == "Completed"
        assert worker.wait(60) == 0, worker.communicate()
    assert len(site.marks) == 1
