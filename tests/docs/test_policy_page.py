"""docs/policy.md: its rule is a rule, its table names the rules in order, and the walk runs as written."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, Run, RunKind, State
from antiphon_server.domain.policy import Policy, decide
from antiphon_server.domain.rules import FLOW_RUN_POLICY
from antiphon_server.domain.states import FAILED, RUNNING, VerdictKind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy.md").read_text()
NOW = 1_750_000_000_000_000


def section(title: str) -> str:
    """The text under a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def example() -> ModuleType:
    """The worked example as the module that it would be."""
    (source,) = blocks("python", section("Adding a rule"))
    module = ModuleType("attempt_ceiling")
    exec(compile(source, "docs/policy.md", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(("run_count", "verdict"), [(1, VerdictKind.ACCEPT), (2, VerdictKind.ABORT)])
def test_the_worked_example_is_a_rule(run_count: int, verdict: VerdictKind) -> None:
    policy = Policy((example().AttemptCeiling(2), *FLOW_RUN_POLICY.rules))
    run = Run("run", run_count=run_count, state_id="held", state_type=FAILED, state_name="Failed", state_time=NOW - 1)
    proposal = Proposal("transition", RunKind.FLOW_RUN, "run", State(RUNNING, "Running"))
    decision = decide(policy, Facts(run), proposal, NOW)
    assert decision.verdict is verdict
    assert ("AttemptCeiling" in {finding.rule for finding in decision.findings}) is (verdict is VerdictKind.ABORT)
    proposal.force = True
    assert decide(policy, Facts(run), proposal, NOW).verdict is VerdictKind.ACCEPT


def test_the_table_names_the_rules_of_flow_runs_in_order() -> None:
    table = section("The rules").split("| Task runs")[0]
    cells = re.findall(r"^\| ([A-Z]\w+.*?) \|", table, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"[A-Z]\w+", cell) if name != "Flow"]
    spoken = list(dict.fromkeys(rule.name for rule in FLOW_RUN_POLICY.rules))
    assert named == spoken


def expected_lines(text: str) -> list[re.Pattern[str]]:
    """Parts of lines that the output has, whatever the space between columns; an ellipsis stands for anything."""
    lines = [line for block in blocks("text", text) for line in block.splitlines() if line.strip()]
    return [re.compile(re.escape(" ".join(line.split())).replace("…", ".*")) for line in lines]


@pytest.mark.timeout(300)
def test_the_walk_runs_as_written(tmp_path: Path) -> None:
    text = section("A walk of ten minutes")
    script = "\n".join(["set -euo pipefail", *blocks("bash", text)])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON")}
    environment |= {"TMPDIR": str(tmp_path), "COLUMNS": "160", "NO_COLOR": "1"}
    # The page has .venv/bin in front of PATH; the tests may run in another environment.
    script = script.replace('"$PWD/.venv/bin:$PATH"', f'"{Path(sys.executable).parent}:$PATH"')
    try:
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=270
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        lines = [" ".join(line.split()) for line in said.splitlines()]
        for expected in expected_lines(text):
            assert any(expected.search(line) for line in lines), f"{expected.pattern}\n\n{said}"
    finally:
        for home in tmp_path.glob("tmp.*"):
            stop = [str(Path(sys.executable).parent / "antiphon"), "server", "stop"]
            subprocess.run(stop, env={**environment, "ANTIPHON_HOME": str(home)}, capture_output=True, timeout=60)
