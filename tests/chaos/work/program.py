"""What every SDK process has: its journal, its chance, and the wish of the harness that it ends.

The harness holds the other end of standard input. Its end, by a word of the harness or by its death, is the wish; who
is not gone soon after is killed.
"""

import os
import random
import sys
import threading
from pathlib import Path

from chaos.journal import Journal
from chaos.names import FOLDER, NAME, SEED

#: Set once this process is to end.
stopping = threading.Event()
#: Seeded by the run and this process; retries of calls are timed by the SDK's own.
chance = random.Random(f"{os.environ.get(SEED, '')} {os.environ.get(NAME, '')}")


def _journal_of(name: str) -> Journal:
    return Journal(Path(os.environ[FOLDER]) / f"{name}.{os.getpid()}.journal")


#: Flow runs that workers start are processes of their own, with a journal of their own.
journal = _journal_of(os.environ.get(NAME, "run"))


def follow_the_harness() -> None:
    """Sets `stopping` when standard input ends."""

    def read() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stopping.set()

    threading.Thread(target=read, name="harness", daemon=True).start()
