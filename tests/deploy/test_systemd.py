"""deploy/systemd: systemd takes the units, and what they start is ours."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from shipped import DEPLOY, check_command, check_variables
from tools_needed import miss_tool

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def entries(unit: Path) -> list[tuple[str, str]]:
    lines = re.findall(r"^([A-Za-z]+)=(.*)$", unit.read_text(), re.MULTILINE)
    assert lines
    return lines


def values(unit: Path, name: str) -> list[str]:
    return [value for each, value in entries(unit) if each == name]


def verify(unit: Path, folder: Path) -> str:
    """What systemd has to say against it. Its program is looked for: it gets one that is there."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        miss_tool("systemd-analyze is missing: install systemd")
    copy = folder / unit.name
    copy.write_text(unit.read_text().replace("/opt/antiphon/bin/antiphon", "/bin/true"))
    done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True)
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if unit.stem.split("@")[0] in line)


def test_there_are_two() -> None:
    assert [unit.name for unit in UNITS] == ["antiphon-server.service", "antiphon-worker@.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    assert verify(unit, tmp_path) == ""


def test_a_mistake_would_be_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "antiphon-server.service"
    wrong.write_text(UNITS[0].read_text().replace("ProtectHome=", "ProtectHomes="))
    (tmp_path / "verified").mkdir()
    assert "ProtectHomes" in verify(wrong, tmp_path / "verified")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_commands_and_variables_are_those_of_our_programs(unit: Path) -> None:
    (command,) = values(unit, "ExecStart")
    program, *words = shlex.split(command)
    assert program == "/opt/antiphon/bin/antiphon"
    check_command(words)
    check_variables(re.findall(r"\bANTIPHON_[A-Z_]+", unit.read_text()))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_home_is_where_the_unit_may_write(unit: Path) -> None:
    (folder,) = values(unit, "StateDirectory")
    assert f"ANTIPHON_HOME=/var/lib/{folder}" in values(unit, "Environment")
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "User") == ["antiphon"]
    # Programs of ours say nothing to systemd of being ready.
    assert values(unit, "Type") == ["exec"]
