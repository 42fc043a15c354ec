"""What gRPC does behind the channels."""

import subprocess
import sys
from pathlib import Path

import pytest

TASKS = Path("/proc/self/task")

#: Prints whether gRPC has threads: with a channel open, and half a second after the last one was closed.
PROGRAM = """
import time
from pathlib import Path

from antiphon.channels import open_channel


def threads():
    names = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            names.add((task / "comm").read_text().strip())
        except FileNotFoundError:
            continue
    return names & {"event_engine", "lifeguard", "grpc_global_tim"}


channel = open_channel("unix:/nowhere")
print(bool(threads()))
channel.close()
channel = None
end = time.monotonic() + 0.5
while time.monotonic() < end and threads():
    time.sleep(0.01)
print(bool(threads()))
"""


@pytest.mark.skipif(not TASKS.exists(), reason="the names of a process's threads are read from /proc")
def test_grpc_does_not_shut_down_with_the_last_channel() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == ["True", "True"]
