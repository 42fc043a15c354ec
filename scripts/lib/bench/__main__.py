"""The front door: `scripts/bench --help`."""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from antiphon.exceptions import AntiphonException
from bench import (
    deployments,
    lists,
    machine,
    overload,
    policy_cost,
    protocol,
    replicas,
    scaling,
    scheduling,
    startup,
    work,
)
from bench.children import ChildFailed
from bench.databases import Databases
from bench.figures import POSTGRESQL, SQLITE, Samples, Scale, Workload
from bench.peers import Dbos, Prefect
from bench.report import render, to_json
from bench.runner import run_workload
from bench.systems import Antiphon, System
from postgresql_cluster import MISSING, binaries

WORKLOADS: tuple[Workload, ...] = (
    startup.WORKLOADS
    + work.WORKLOADS
    + scaling.WORKLOADS
    + protocol.WORKLOADS
    + deployments.WORKLOADS
    + lists.WORKLOADS
    + scheduling.WORKLOADS
    + policy_cost.WORKLOADS
    + overload.WORKLOADS
    + replicas.WORKLOADS
)
_QUICK = 0.02


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.description = "Measures Antiphon by the work of a real process, client and server, with durable commits."
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, default=names, help=", ".join(names))
    parser.add_argument("--store", choices=[SQLITE, POSTGRESQL], default=SQLITE, help="what all keep their data in")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the JSON goes; default: build/bench/DATE.json")
    parser.add_argument("--peers", action="store_true", help="measure Prefect and DBOS too, and print ratios")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="rounds; medians are shown; default: 5")
    parser.add_argument("--quick", action="store_true", help="one round of little work, to try the bench itself")
    options = parser.parse_args(arguments)
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    if options.store == POSTGRESQL and binaries() is None:
        parser.error(MISSING)
    if options.json and not options.json.resolve().parent.is_dir():
        parser.error(f"--json: the folder {options.json.resolve().parent} does not exist")
    return options


def measure(options: argparse.Namespace, systems: Sequence[System], console: Console) -> list[list[Samples]]:
    """Runs the chosen workloads and says on the console how far it is."""
    scale = Scale(_QUICK if options.quick else 1.0)
    rounds = 1 if options.quick else options.repeat
    with console.status("") as status:
        return [
            run_workload(workload.on(options.store), systems, rounds, scale, status.update)
            for workload in WORKLOADS
            if workload.name in options.only and options.store in workload.stores
        ]


def durabilities(systems: Sequence[System]) -> dict[str, str]:
    """How each system's figures were durable, asked of what was measured."""
    texts = {}
    for system in systems:
        try:
            texts[system.title] = system.durability()
        except (ChildFailed, AntiphonException) as error:
            texts[system.title] = f"unknown: {error}{system.explain()}"
    return texts


def write_json(options: argparse.Namespace, document: object) -> Path:
    path: Path = options.json
    if path is None:
        path = machine.ROOT / "build" / "bench" / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every workload ran; a missed target is shown, and is no error."""
    options = parse(arguments)
    with contextlib.ExitStack() as stack:
        databases = Databases() if options.store == POSTGRESQL else None
        if databases is not None:
            stack.callback(databases.close)
        peers = [Prefect(databases), Dbos(databases)] if options.peers else []
        systems: list[System] = [Antiphon(databases), *peers]
        for system in systems:
            stack.callback(system.close)
        results = measure(options, systems, Console(stderr=True))
        facts = machine.describe() | durabilities(systems)
    if options.quick:
        facts["note"] = "--quick: these figures say only that the bench runs"
    document = to_json(facts, systems, results)
    render(Console(width=None if sys.stdout.isatty() else 160), facts, systems, results)
    print(f"JSON: {write_json(options, document)}")
    return 1 if document["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
