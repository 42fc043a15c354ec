"""The front door: `scripts/chaos --minutes 2`."""

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from chaos.faults import OFTEN, RATES, Shape
from chaos.machine import guarded
from chaos.report import as_dict, in_full, in_words
from chaos.running import Order, run

VIOLATED = 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="PostgreSQL, servers and SDK processes that fail."
    )
    parser.add_argument("--minutes", type=float, required=True, help="how long things fail; quiet comes on top")
    parser.add_argument("--seed", type=int, help="of the plan; by default another one each time, which is printed")
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--processes", type=int, default=24, help="SDK processes; 12 are one of each role")
    parser.add_argument("--lines", type=int, default=12, help="of proxies: processes share them if there are more")
    parser.add_argument("--often", action="store_true", help="more of what is rare, for a short run")
    parser.add_argument("--json", type=Path, help="write the report there as well")
    parser.add_argument(
        "--folder", type=Path, help="for journals and logs; kept. By default one that goes unless it failed"
    )
    parser.add_argument("--plan", action="store_true", help="print the plan and do nothing")
    options = parser.parse_args()
    if min(options.replicas, options.processes, options.lines) < 1 or options.minutes <= 0:
        parser.error("--minutes, --replicas, --processes and --lines are more than nothing")
    return options


def main() -> int:
    options = arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    shape = Shape(options.replicas, options.processes, min(options.lines, options.processes))
    order = Order(seed, options.minutes * 60, shape, OFTEN if options.often else RATES)
    if options.plan:
        print(*order.plan, sep="\n")
        return 0
    print(f"seed {seed}", flush=True)
    kept = options.folder is not None
    folder = options.folder if kept else Path(tempfile.mkdtemp(prefix="antiphon-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    outcome = run(order, folder, lambda line: print(line, flush=True))
    told = as_dict(outcome)
    if options.json is not None:
        options.json.write_text(json.dumps(told, indent=2, default=str))
    print(*in_words(told), sep="\n")
    print(*in_full(outcome, folder), sep="\n")
    if not outcome.findings:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
        return 0
    print(f"journals and logs are in {folder}", file=sys.stderr)
    return VIOLATED


if __name__ == "__main__":
    sys.exit(guarded(main))
