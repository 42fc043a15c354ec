"""Writes the facts in `tests/data/prefect_names.toml` anew, name by name, from an installed Prefect.

    cd /elsewhere && PYTHON_WITH_PREFECT .../scripts/lib/coming_from/record.py .../tests/data/prefect_names.toml

Names that the file has stay; what each of them is is looked up. A new name is added to the file by hand, as `[]`.
Commands and their options are kept as they are.
"""

import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from coming_from.shapes import members, shape

#: Classes whose methods and properties are compared too.
MAIN_CLASSES = {
    "tasks": ["Task"],
    "flows": ["Flow"],
    "futures": ["PrefectFuture", "PrefectFutureList", "PrefectDistributedFuture", "PrefectFlowRunFuture"],
    "task_runners": ["TaskRunner", "ThreadPoolTaskRunner", "ProcessPoolTaskRunner", "PrefectTaskRunner"],
    "cache_policies": ["CachePolicy"],
    "transactions": ["Transaction", "AsyncTransaction"],
    "variables": ["Variable"],
    "blocks.core": ["Block"],
    "input.run_input": ["RunInput"],
    "results": ["ResultStore"],
    "client.schemas.objects": ["State"],
    "client.orchestration": ["PrefectClient", "SyncPrefectClient"],
    "artifacts": ["Artifact"],
}


def facts(module: str, names: list[str]) -> dict[str, list[str]]:
    home: Any = importlib.import_module(f"prefect.{module}" if module else "prefect")
    top = [name for name in names if "." not in name]
    found = {name: shape(getattr(home, name)) for name in top}
    for owner in MAIN_CLASSES.get(module, []):
        of_owner = members(getattr(home, owner), "prefect")
        found |= {f"{owner}.{name}": what for name, what in of_owner.items()}
    return dict(sorted(found.items()))


def written(words: list[str]) -> str:
    return "[" + ", ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words) + "]"


def main(path: Path) -> None:
    known = tomllib.loads(path.read_text())
    lines = ["# Facts on Prefect's public names: module, name, then kind and parameters. Written by record.py.", ""]
    lines.append(f'version = "{importlib.import_module("prefect").__version__}"')
    for module, names in known["modules"].items():
        lines += ["", f'[modules."{module}"]']
        lines += [f'"{name}" = {written(words)}' for name, words in facts(module, list(names)).items()]
    lines += ["", "[commands]"]
    lines += [f'"{name}" = {written(options)}' for name, options in known["commands"].items()]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
