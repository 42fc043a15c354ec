"""What a flood of log lines costs: `python -m bench.jobs.flood LINES`.

One flow logs LINES lines at DEBUG and runs a task after every tenth part of them. The terminal shows nothing.
"""

import json
import logging
import sys
import time
from pathlib import Path

from antiphon import flow, get_run_logger, task
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.v1.log_service_pb2 import ListLogsRequest

PARTS = 10


def read_resident_mib() -> float:
    """This process's resident set, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


@task
def nothing() -> None:
    return None


@flow
def flood(lines: int) -> dict[str, float]:
    logger = get_run_logger()
    logging.getLogger("antiphon").handlers = []
    curve, worst, start = [], 0.0, time.perf_counter()
    for _ in range(PARTS):
        for number in range(lines // PARTS):
            logger.debug("line %d of a flood that somebody left on", number)
        began = time.perf_counter()
        nothing()
        worst = max(worst, time.perf_counter() - began)
        curve.append(read_resident_mib())
    seconds = time.perf_counter() - start
    return {
        "line": seconds / lines * 1e6,
        "task": worst * 1e3,
        "growth": curve[-1] - curve[0],
    } | {f"at_{part:02}": size for part, size in enumerate(curve)}


def count_stored(run_id: str) -> int:
    """How many lines of the flood the server has."""
    request = ListLogsRequest(filter=f"flow_run_id = {quote(run_id)}")
    with ServiceClient() as client:
        logs = client.pages(client.logs.ListLogs, request, "logs")
        return sum(log.message.startswith("line ") for log in logs)


def main(lines: int) -> dict[str, float]:
    with temporary_settings({"logging.level": "DEBUG"}):
        state = flood(lines, return_state=True)
        assert registry.get_uploader().flush(60)
        said = state.result()
        stored = count_stored(str(state.state_details.flow_run_id))
    return {**said, "dropped": (lines - stored) / lines * 100}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
