"""`scripts/oracle FILE...`: compares, prints what it found, and says by its exit code whether all of it is meant."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from oracle.cases import Case, Sequence, WrongFile, read
from oracle.judging import judge
from oracle.report import collect

AGREED, DISAGREED, NO_CASES = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """0 where all agree or differ on purpose, 1 where something disagrees, 2 where a file cannot be read or used."""
    parser = argparse.ArgumentParser(
        prog="scripts/oracle",
        description="Runs observed cases and sequences (one JSON object a line, plain or gzipped) through decide() and "
        "through the application, and compares. What differs on purpose is explained in docs/differences.md.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--brief", action="store_true", help="leave out the tables by group and rule")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        report = collect(judge(_all(options.files)))
    except (OSError, EOFError, UnicodeDecodeError, WrongFile) as error:
        print(f"scripts/oracle: {error}; give files of cases or sequences as JSON lines", file=sys.stderr)
        return NO_CASES
    if not report.tallies:
        print("scripts/oracle: there are no cases in these files", file=sys.stderr)
        return NO_CASES
    report.print(console, brief=options.brief)
    console.print(f"Unexplained: {report.unexplained}")
    return DISAGREED if report.unexplained else AGREED


def _all(files: list[Path]) -> Iterator[Case | Sequence]:
    for file in files:
        yield from read(file)


if __name__ == "__main__":
    sys.exit(main())
