"""Starts the embedded server of a home: `python -m bench.jobs.server HOME`."""

import sys
from pathlib import Path

from antiphon.embedded_server import ensure_running

if __name__ == "__main__":
    ensure_running(Path(sys.argv[1]), idle_timeout=3600)
