"""What an interrupt leaves behind in the interpreter: nothing that a debugger or coverage could hang on."""

import subprocess
import sys

_CODE = """
import sys, threading
from antiphon.engine.interrupts import Block, RunTimeout

def compute():
    while True:
        pass

def in_thread():
    try:
        Block(0.01).run(compute)
    except RunTimeout:
        print("timed out")

thread = threading.Thread(target=in_thread)
thread.start()
thread.join()

def called():
    return 1

sys.settrace(lambda *_: None)
called()
sys.settrace(None)
print("went on")
"""


def test_a_tracer_goes_on_after_a_thread_was_interrupted() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n")[:2] == ["timed out", "went on"]
