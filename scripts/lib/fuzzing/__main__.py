"""The front door; `scripts/fuzz --help`."""

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from fuzzing.targets import TARGETS

#: Parts of the name of an input that broke a target.
_BROKEN = ("crash-*", "timeout-*", "oom-*")
#: What Python is to run in a process for one target.
PLAYER = ("-m", "fuzzing.playing")


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit status: 1 where a target broke."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description="Feeds bytes, guided by coverage, to what reads callers' bytes in the server."
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 60 without")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="all without; may be said again")
    parser.add_argument("--folder", type=Path, help="where inputs are kept, so that the next run goes on with them")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="gives one input to the target, which shows its end"
    )
    asked = parser.parse_args(arguments)
    if asked.replay is not None:
        if len(asked.target or ()) != 1:
            parser.error("--replay needs the --target that the file is for")
        TARGETS[asked.target[0]](asked.replay.read_bytes())
        return 0
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is missing: pip install -c constraints.txt -e '.[fuzz]'")
    folder = asked.folder or Path(mkdtemp(prefix="antiphon-fuzz-"))
    broken = [name for name in asked.target or TARGETS if not _plays(name, asked.seconds, folder / name)]
    return 1 if broken else 0


def _plays(name: str, seconds: int, folder: Path) -> bool:
    """Has a target fuzzed in a process of its own, and says how it went."""
    folder.mkdir(parents=True, exist_ok=True)
    said = subprocess.run(
        [sys.executable, *PLAYER, name, str(seconds), str(folder)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    figures = dict(line[6:].split(": ", 1) for line in said.stdout.splitlines() if line.startswith("stat::"))
    runs = figures.get("number_of_executed_units", "?").strip()
    known = len(list((folder / "corpus").glob("*")))
    if said.returncode == 0:
        print(f"{name}: {runs} inputs, {known} that reach something of their own; none broke it", flush=True)
        return True
    print(said.stdout[-4000:])
    found = [str(path) for pattern in _BROKEN for path in folder.glob(pattern)]
    print(f"{name}: broken after {runs} inputs by {', '.join(found) or 'something before the first one'}")
    for path in found:
        print(f"    scripts/fuzz --target {name} --replay {path}", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
