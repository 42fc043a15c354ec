"""docs/artifacts-and-variables.md: its programs run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

from antiphon.service_client import ServiceClient
from antiphon.v1.artifact_service_pb2 import ListLatestArtifactsRequest
from running_server import RunningServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "artifacts-and-variables.md"


def test_its_programs_and_commands_run(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    commands = [line for block in re.findall(r"```\n(antiphon.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert (len(programs), len(commands)) == (2, 4)
    with RunningServer(tmp_path) as server, ServiceClient(server.target) as client:
        environment = {"ANTIPHON_API_URL": server.target, "ANTIPHON_HOME": str(tmp_path / "home"), "PATH": "/usr/bin"}
        for program in programs:
            run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
            assert run.returncode == 0, run.stderr
        antiphon = str(Path(sys.executable).parent / "antiphon")
        said = [
            subprocess.run([antiphon, *line.split()[1:]], env=environment, capture_output=True, text=True)
            for line in commands
        ]
        assert [run.returncode for run in said] == [0] * 4, said
        assert said[-1].stdout == "500\n"
        kept = client.call(client.artifacts.ListLatestArtifacts, ListLatestArtifactsRequest(order_by="key")).artifacts
    table, progress = kept
    assert (table.key, table.data.startswith('[{"day": "Monday"')) == ("daily-rows", True)
    assert (progress.key, progress.data) == ("loading", "100.0")
