"""Calls that come whether or not earlier ones are answered.

By ghz, a load generator in Go: on a machine where clients and server share the processors, clients in Python would take
from the server what they measure, and their calls would wait for themselves.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from antiphon.service_client import ServiceClient
from antiphon.v1 import flow_run_service_pb2
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest
from bench.children import ChildFailed, run_child
from bench.figures import percentile
from bench.machine import ROOT
from bench.wire import new_id

#: Who call one after another each, to find out how many calls can be answered.
CALLERS = 64
_CONNECTIONS = 4
#: Seconds that a call may take before it counts as failed.
_PATIENCE = 20
#: What a server says that has too much to do, before the time.
_COME_AGAIN = "Try again in"


@dataclass(frozen=True)
class Offered:
    """What became of the calls of one go."""

    #: From the first call to the last answer.
    seconds: float
    #: Of each that was answered, in milliseconds.
    answered: list[float]
    #: How many were turned away by the server and told when to come again; were reset by gRPC; had any other end, of
    #: which there should be none.
    refused: int
    reset: int
    failed: int
    #: What was asked for, and how much of it there is afterwards.
    flow_name: str

    @property
    def rate(self) -> float:
        """Calls answered a second."""
        return len(self.answered) / self.seconds

    def figures(self) -> dict[str, float]:
        """By name: calls a second by how they ended, and how long the answered ones took."""
        if not self.answered:
            raise ChildFailed("not one of the calls was answered")
        return {
            "admitted": self.rate,
            "refused": self.refused / self.seconds,
            "reset": self.reset / self.seconds,
            "p50": percentile(self.answered, 50),
            "p99": percentile(self.answered, 99),
        }


def ghz() -> str:
    """The path of the program, which is built at the first use. Raises ChildFailed where that cannot be."""
    tools = ROOT / "scripts" / "lib" / "tools.sh"
    command = 'root=$1; source "$2"; ghz_path'
    done = subprocess.run(["bash", "-c", command, "bash", ROOT, tools], capture_output=True, text=True)
    if done.returncode != 0:
        raise ChildFailed(f"no load generator: {done.stderr.strip()}")
    return done.stdout.strip()


def offer(program: str, target: str, folder: Path, seconds: float, rate: float | None = None) -> Offered:
    """Makes flow runs for so many seconds: `rate` calls begin each second, or, without one, `CALLERS` callers call one
    after another. Nothing is tried again, and all are waited for. `program` is ghz's path."""
    flow_name = f"offered-{new_id()}"
    contract, report = folder / "contract.binpb", folder / "offered.json"
    contract.write_bytes(_contract())
    command = [program, "--insecure", "--protoset", str(contract), "--call", "antiphon.v1.FlowRunService/CreateFlowRun"]
    command += ["--data", json.dumps({"flow_run": {"flow_name": flow_name}}), "--timeout", f"{_PATIENCE}s"]
    command += ["--concurrency", str(CALLERS), "--connections", str(_CONNECTIONS)]
    command += ["--duration", f"{round(seconds * 1000)}ms", "--duration-stop", "wait"]
    command += [] if rate is None else ["--async", "--rps", str(max(round(rate), 1))]
    run_child([*command, "--format", "json", "--output", str(report), target], {}, folder)
    return _read(json.loads(report.read_text()), flow_name)


def stored(target: str, offered: Offered) -> int:
    """How many of the flow runs there are."""
    request = ListFlowRunsRequest(filter=f'flow_name = "{offered.flow_name}"')
    with ServiceClient(target) as client:
        return sum(1 for _ in client.pages(client.flow_runs.ListFlowRuns, request, "flow_runs"))


def _read(report: Mapping[str, object], flow_name: str) -> Offered:
    calls = report["details"]
    if not isinstance(calls, list) or not isinstance(total := report["total"], int):
        raise ChildFailed("ghz wrote a report without its calls")
    answered = [call["latency"] / 1e6 for call in calls if call["status"] == "OK"]
    # A server that is not there is UNAVAILABLE too; ghz keeps the words of an error, and not its RetryInfo.
    refused = sum(call["status"] == "Unavailable" and _COME_AGAIN in call["error"] for call in calls)
    reset = sum(call["status"] == "Canceled" for call in calls)
    return Offered(total / 1e9, answered, refused, reset, len(calls) - len(answered) - refused - reset, flow_name)


def _contract() -> bytes:
    """The files of the service and all that they import, each after what it needs."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for needed in file.dependencies:
            add(needed)
        files.setdefault(file.name, file)

    add(flow_run_service_pb2.DESCRIPTOR)
    wanted = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(wanted.file.add())
    return wanted.SerializeToString()
