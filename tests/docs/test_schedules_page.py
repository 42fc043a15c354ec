"""docs/schedules.md: its commands run as they stand there, and answer what it shows."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from antiphon.v1.operation_pb2 import OPERATION_STATE_RUNNING
from antiphon.v1.schedule_pb2 import CATCH_UP_ALL, OVERLAP_SKIP
from antiphon.v1.schedule_service_pb2 import PreviewScheduleResponse
from contract import METHODS
from running_server import RunningServer

RESPONSES = {method.name: method.response for method in METHODS}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "schedules.md"


def answers_in(text: str, methods: list[str]) -> list[Any]:
    """What calls of methods have printed, one behind the other, in whichever style of JSON this grpcurl writes it."""
    decoder, found = json.JSONDecoder(), []
    for method in methods:
        document, end = decoder.raw_decode(text := text.lstrip())
        found.append(json_format.ParseDict(document, RESPONSES[method]()))
        text = text[end:]
    return found


def test_its_commands_run_and_answer_what_it_shows(tmp_path: Path, grpcurl: str) -> None:
    blocks = re.findall(r"^```(bash|json)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["bash", "bash", "json", "bash", "bash", "json", "bash"]
    environment = {"PATH": f"{Path(grpcurl).parent}{os.pathsep}{os.environ['PATH']}"}
    answers: list[Any] = []
    with RunningServer(tmp_path, listen=("127.0.0.1:0",)) as server:
        address = next(each for each in server.server.addresses if "127.0.0.1" in each)
        for kind, text in blocks:
            if kind == "json":
                assert answers[-1] == json_format.Parse(text, PreviewScheduleResponse())
                continue
            command = ["bash", "-ec", text.replace("127.0.0.1:4200", address)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            answers += answers_in(done.stdout, re.findall(r"antiphon\.v1\.\w+/(\w+)", text))
            if not environment.get("deployment"):
                made = answers[-1].deployment
                environment |= {"deployment": made.id, "schedule": made.schedules[0].id}
    _, _, changed, *_, dry, real = answers
    assert (changed.schedule.overlap, changed.schedule.catch_up) == (OVERLAP_SKIP, CATCH_UP_ALL)
    # May 2026 has 21 days from Monday to Friday.
    assert (dry.total_count, real.total_count, dry.HasField("operation")) == (21, 21, False)
    assert real.operation.state == OPERATION_STATE_RUNNING
