"""Runs the real binary and writes down what it says, with what differs from run to run taken out."""

import difflib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

BINARY = Path(sys.executable).with_name("antiphon")
SNAPSHOTS = Path(__file__).with_name("cli") / "snapshots"
#: Set, the snapshots are written anew: `ANTIPHON_WRITE_SNAPSHOTS=1 scripts/test tests/cli/test_stories.py`.
REWRITE = "ANTIPHON_WRITE_SNAPSHOTS"

_NORMAL: tuple[tuple[str, str], ...] = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    # Times that a story names are of other years.
    (r"20(2[4-9])-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?", "<time>"),
    (r"20\d{6}T\d{6}\.\d{6}Z", "<time>"),
    (r"\b\d+\.\d MB, schema \d{4}\b", "<size>, schema <version>"),
    (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "<clock>"),
    (r"\b\d\d:\d\d:\d\d (?=flow run|task run)", "<clock> "),
    (r"\b\d+[smhd] ago\b", "<ago>"),
    (r"\bnever$|\bnever(?= {2,})", "<ago>"),
    (r"\(in \d+[smhd]\)", "(in <span>)"),
    (r"\b\d+(\.\d+)?ms\b|\b\d+\.\ds\b", "<span>"),
    (r"\b\d+m \d\ds\b", "<span>"),
    # On a slow machine nobody takes them in time.
    (r"\bLate\b", "Scheduled"),
    (r"process id \d+", "process id <pid>"),
    (r"\(process \d+\)", "(process <pid>)"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"^(Version|Schema)( +)\d[\d.]+ *$", r"\1\2<version>"),
    (r"-[0-9a-f]{6}\b(?!\.)", "-<drawn>"),
    (r"antiphon \d+\.\d+\S*, Python \S+", "antiphon <version>, Python <version>"),
    (r"Antiphon \d+\.\d+\S*, Python \S+", "Antiphon <version>, Python <version>"),
    # Columns are as wide as what was taken out of them.
    (r" {3,}", "  "),
    (r"─+", "─"),
    (r" +(?=│?$)", ""),
)


@dataclass
class Transcript:
    """What was typed and what was said."""

    home: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def run(self, typed: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a line as a shell would, nobody at a terminal."""
        done = self.perform(typed, stdin)
        self.lines.append(f"$ antiphon {self.normal(typed)}")
        if "--json" in shlex.split(typed) and done.returncode == 0:
            self.lines.append("(JSON)")
        else:
            self._note(done.stdout, "")
        self._note(done.stderr, "! ")
        if done.returncode:
            self.lines.append(f"(exit code {done.returncode})")
        self.lines.append("")
        return done

    def perform(self, typed: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a line and write nothing down."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "UTC", "LANG": "C.UTF-8"}
        environment |= {"ANTIPHON_HOME": str(self.home), **self.environment}
        return subprocess.run(
            [str(BINARY), *shlex.split(typed)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
            timeout=100,
        )

    def _note(self, said: str, mark: str) -> None:
        self.lines += [f"{mark}{line}".rstrip() for line in self.normal(said).splitlines()]

    def normal(self, text: str) -> str:
        """The same without what differs from run to run."""
        text = text.replace(str(self.home), "<home>").replace(str(self.folder), "<folder>")
        for pattern, stands in _NORMAL:
            text = re.sub(pattern, stands, text, flags=re.MULTILINE)
        return text

    def check(self, name: str) -> None:
        """Compare with the snapshot of this name, or write it anew."""
        path, text = SNAPSHOTS / f"{name}.txt", "\n".join(self.lines)
        if os.environ.get(REWRITE):
            path.write_text(text)
        assert path.exists(), f"There is no snapshot {path.name}; write it with {REWRITE}=1."
        diff = "\n".join(difflib.unified_diff(path.read_text().splitlines(), text.splitlines(), lineterm=""))
        assert text == path.read_text(), f"Where the change is meant, {REWRITE}=1 writes it anew:\n{diff}"
