"""What gRPC does behind the channels."""

import subprocess
import sys
from pathlib import Path

import pytest

TASKS = Path("/proc/self/task")

#: Prints whether there are threads of gRPC's: with a channel open, and half a second after the last one was closed.
PROGRAM = """
import os
import time

from antiphon.channels import open_channel


def is_up():
    return len(os.listdir("/proc/self/task")) > 1


channel = open_channel("unix:/nowhere")
print(is_up())
channel.close()
channel = None
end = time.monotonic() + 0.5
while time.monotonic() < end and is_up():
    time.sleep(0.01)
print(is_up())
"""


@pytest.mark.skipif(not TASKS.exists(), reason="a process's threads are counted in /proc")
def test_grpc_does_not_shut_down_with_the_last_channel() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == ["True", "True"]
