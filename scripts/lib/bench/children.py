"""Runs one piece of work in a process of its own and reads what it measured."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

JOBS = Path(__file__).resolve().parent / "jobs"
LIBRARY = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 300.0
_OURS = ("ANTIPHON_", "PREFECT_", "DBOS_", "BENCH_")


class ChildFailed(Exception):
    """A measured process ended badly. The message has its command and the end of what it said."""


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without any setting of a measured system, and with `extra`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    return kept | {"PYTHONPATH": str(LIBRARY)} | dict(extra)


def run_child(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> tuple[float, str]:
    """Returns the seconds from the start of the process to its end, and what it printed."""
    start = time.perf_counter()
    try:
        process = subprocess.run(
            command,
            env=clean_environment(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"{' '.join(command)}: not done within {TIMEOUT_SECONDS:g} s") from error
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        said = "\n".join((process.stdout + process.stderr).strip().splitlines()[-15:])
        raise ChildFailed(f"{' '.join(command)}: exit code {process.returncode}\n{said}")
    return seconds, process.stdout


def run_job(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> dict[str, float]:
    """Runs a job, which prints its figures as one JSON object on its last line."""
    _, said = run_child(command, environment, folder)
    lines = said.strip().splitlines()
    try:
        return {key: float(value) for key, value in json.loads(lines[-1]).items()}
    except (IndexError, ValueError, AttributeError) as error:
        raise ChildFailed(f"{' '.join(command)}: no figures in its output: {said[-500:]!r}") from error
