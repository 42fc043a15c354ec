"""Histories of registers, from the journals to the checker in Go and back."""

import json
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.evidence import Evidence, Finding
from chaos.journal import Entry

HERE = Path(__file__).parent
LINEAR = "the state of a run is linearizable"
#: Seconds for all histories of a run together; each is short.
_PATIENCE = 300.0

#: An operation as the checker reads it, see main.go.
Operation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the checker found; `said` is for people."""

    said: str
    findings: list[Finding] = field(default_factory=list)


def operations(entries: Sequence[Entry], fates: Mapping[str, bool] | None = None) -> dict[str, list[Operation]]:
    """Register -> what was done to it.

    Who set it and was not answered may have set it at any later time, or never. `fates` says which of these were
    decided in the end, and whether they were accepted: it makes a search among all that might have been a short one. It
    hides no loss: what was read of a state that is gone is explained by nothing then.
    """
    found: dict[str, list[Operation]] = defaultdict(list)
    answered = {entry["id"] for entry in entries if entry["what"] == "set"}
    for entry in entries:
        span = {"call": entry.get("began", entry["at"]), "return": entry["at"]}
        if entry["what"] == "read":
            found[entry["run"]].append(span | {"kind": "read", "state": entry["state"]})
        elif entry["what"] == "set":
            kind = "set" if entry["accepted"] else "refused"
            operation = {"kind": kind, "state": entry["held"], "expected": entry["expected"]}
            found[entry["run"]].append(span | operation)
        elif entry["what"] == "sets" and entry["id"] not in answered:
            kind = _unanswered(entry["id"], fates)
            operation = {"kind": kind, "state": entry["id"], "expected": entry["expected"]}
            if kind:
                found[entry["run"]].append(span | operation | {"return": 0})
    return found


def _unanswered(id: str, fates: Mapping[str, bool] | None) -> str:
    """Empty for what cannot have changed anything."""
    if fates is None:
        return "open"
    return "set" if fates.get(id, False) else ""


def missing() -> str:
    """Why the checker cannot be asked; empty where it can."""
    return "" if shutil.which("go") is not None else "Go is missing: the checker of histories (porcupine) needs it"


def judge(evidence: Evidence, folder: Path) -> Judgement:
    """Asks the checker, and keeps what it was asked in `folder`."""
    fates = {id: bool(row["wrote_state"]) for id, row in evidence.transitions.items()}
    histories = operations(evidence.entries, fates)
    if missing() or not histories:
        return Judgement(missing() or "no register was used")
    file = folder / "registers.json"
    file.write_text(json.dumps(histories))
    try:
        judged = ask(file)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        return Judgement(f"the checker of histories could not be asked: {error}")
    count = sum(map(len, histories.values()))
    late = sum(not operation["return"] for history in histories.values() for operation in history)
    refused, undecided = judged["refused"], judged["undecided"]
    said = f"{len(histories)} registers, {count} operations, {late} done without an answer"
    told = [Finding(LINEAR, f"no order explains what was read and set; see {file}", (id,)) for id in refused]
    return Judgement(f"{said}: {len(refused)} not linearizable, {len(undecided)} not decided in time", told)


def ask(file: Path) -> dict[str, list[str]]:
    """The registers whose history no order explains (`refused`), and those for which that is not known (`undecided`).
    Raises RuntimeError where it gives no answer."""
    environment = os.environ | {"GOFLAGS": "-mod=readonly"}
    done = subprocess.run(
        ["go", "run", ".", str(file)], cwd=HERE, env=environment, capture_output=True, text=True, timeout=_PATIENCE
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1000:] or f"exit code {done.returncode}")
    judged: dict[str, list[str]] = json.loads(done.stdout)
    return judged
