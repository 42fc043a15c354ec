"""Programs that are killed at a step of their own, for tests of what they leave behind."""

import signal
import subprocess
import sys

#: Kills itself before the step that the first argument numbers, from 1, of those that touch a file.
_PROLOGUE = """
import os, signal, sys
steps = 0
def count(event, arguments):
    global steps
    if armed and event in {events}:
        steps += 1
        if steps == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
armed = False
sys.addaudithook(count)
"""
FILE_EVENTS = ("open", "os.rename", "os.remove", "os.link", "os.mkdir", "sqlite3.connect")
#: More than any of the programs has.
MOST = 200


def run_killed(step: int, imports: str, program: str, *arguments: str) -> bool:
    """Runs `imports`, and then `program` up to its file operation number `step`, at which it is killed with SIGKILL.
    Its `sys.argv[2:]` are the arguments. Whether it came to its end before."""
    whole = f"{_PROLOGUE.format(events=FILE_EVENTS)}\n{imports}\narmed = True\n{program}\narmed = False\n"
    done = subprocess.run(
        [sys.executable, "-c", whole, str(step), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode == 0
