"""Workloads of whole processes: how long a person waits before the first line of user code."""

import itertools
from collections.abc import Mapping

from bench.children import run_child
from bench.figures import Figure, Scale, Workload
from bench.systems import System

ALL = frozenset({"antiphon", "prefect", "dbos"})
WITH_SERVER = frozenset({"antiphon", "prefect"})


def measure_import(system: System, scale: Scale) -> Mapping[str, float]:
    """The seconds that the import adds to a process that does nothing. Bytecode is warm."""
    with system.fresh() as site:

        def run(code: str) -> float:
            return run_child([system.python, "-c", code], site.environment, site.folder)[0]

        run(system.imports[-1])  # compiles what is not compiled yet
        rounds = [(run("pass"), *map(run, system.imports)) for _ in range(scale.count(5, least=1))]
    bare, *imports = (min(column) for column in itertools.zip_longest(*rounds))
    keys = ("package", "names")[-len(imports) :]
    return {key: seconds - bare for key, seconds in zip(keys, imports, strict=True)}


def measure_cold(system: System, scale: Scale) -> Mapping[str, float]:
    """A new data folder, then the same folder with its server gone."""
    with system.fresh() as site:
        first, _ = run_child(system.hello(), site.environment, site.folder)
        system.quiesce(site)
        again, _ = run_child(system.hello(), site.environment, site.folder)
    return {"first": first, "again": again}


def measure_warm(system: System, scale: Scale) -> Mapping[str, float]:
    """A process that finds a server running."""
    site = system.warm()
    return {"seconds": run_child(system.hello(), site.environment, site.folder)[0]}


WORKLOADS = (
    Workload(
        "import",
        (
            Figure("package", "import of the package", "s", target=0.2),
            Figure("names", "import of flow and task", "s", target=0.2),
        ),
        measure_import,
        ALL,
    ),
    Workload(
        "hello_cold",
        (
            Figure("first", "hello flow, whole process, no server, no data yet", "s", target=1.0),
            Figure("again", "hello flow, whole process, no server", "s", target=1.0),
        ),
        measure_cold,
        ALL,
    ),
    Workload(
        "hello_warm",
        (Figure("seconds", "hello flow, whole process, server running", "s", target=0.5),),
        measure_warm,
        WITH_SERVER,
    ),
)
