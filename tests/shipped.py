"""What the files in deploy/ say of our programs, held against the programs."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from antiphon.settings.rows import SETTINGS
from antiphon_server.backup import DATABASE_URL
from antiphon_server.encryption_keys import ENCRYPTION_KEY
from antiphon_server.home import LEASE_STORAGE
from conftest import ROOT
from tools_needed import miss_tool

DEPLOY = ROOT / "deploy"
#: Environment variables that are no settings of the SDK's.
OF_SERVERS = {DATABASE_URL, LEASE_STORAGE, ENCRYPTION_KEY, "ANTIPHON_HOME"}


def go_tool(name: str) -> str:
    """The path of a program that `scripts/lib/tools.sh` builds, or of the one on PATH."""
    local = ROOT / ".tools" / "bin" / name
    path = str(local) if os.access(local, os.X_OK) else shutil.which(name)
    if path is None:
        miss_tool(f"{name} is missing: .ci/run builds it; it needs Go")
    return path


@functools.cache
def help_of(*command: str) -> str:
    """What `antiphon COMMAND --help` says."""
    environment = os.environ | {"COLUMNS": "300", "NO_COLOR": "1"}
    done = subprocess.run(
        [Path(sys.executable).with_name("antiphon"), *command, "--help"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, f"antiphon {' '.join(command)}: {done.stderr}"
    return done.stdout


def check_command(words: Sequence[str]) -> None:
    """Whether `antiphon WORDS` names a command, and options, that there are."""
    first_option = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    shown = help_of(*words[:first_option])
    usage = re.search(r"Usage: antiphon ((?:[a-z-]+ )*)(.*)", shown)
    assert usage is not None, shown
    command = usage[1].split()
    assert list(words[: len(command)]) == command
    assert "COMMAND [ARGS]" not in usage[2], f"{words} stops at a group"
    for word in words[first_option:]:
        if word.startswith("-"):
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", shown), f"antiphon {' '.join(command)} {word}"


def check_variables(names: Iterable[str]) -> None:
    """Whether each of our environment variables is one that a program of ours reads."""
    known = OF_SERVERS | {row.name for row in SETTINGS.values()}
    ours = {name for name in names if name.startswith("ANTIPHON_")}
    assert ours <= known, ours - known
