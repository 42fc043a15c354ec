"""docs/doctor.md has all that may be found, and all of it is found by a test."""

import re
from pathlib import Path

import pytest

from antiphon.cli.doctor import symptoms as client
from antiphon_server.diagnosis import registry as server
from doctor_page.page import PAGE, rendered

TESTS = Path(__file__).parents[1]
FINDINGS = {
    "server": (server.SYMPTOMS, [*(TESTS / "server" / "diagnosis").glob("test_*.py")]),
    "client": (client.SYMPTOMS, [TESTS / "cli" / "test_server_doctor.py"]),
}


def test_the_tables_are_what_may_be_found() -> None:
    assert PAGE.read_text() == rendered(), "Run scripts/generate to write docs/doctor.md anew."


@pytest.mark.parametrize("side", FINDINGS)
def test_each_has_a_reason_of_its_own_and_words(side: str) -> None:
    symptoms, _ = FINDINGS[side]
    reasons = [each.reason for each in symptoms]
    assert len(set(reasons)) == len(reasons)
    for each in symptoms:
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)+", each.reason)
        for text in (each.meaning, each.consequence, each.remedy):
            assert text[0].isupper() or text[0] == "`", each.reason
            assert text.endswith((".", ")")), each.reason


@pytest.mark.parametrize("side", FINDINGS)
def test_each_is_provoked_by_a_test(side: str) -> None:
    symptoms, files = FINDINGS[side]
    said = "\n".join(file.read_text() for file in files)
    assert [each.reason for each in symptoms if f'"{each.reason}"' not in said] == []


def test_the_modules_of_the_checks_are_all_in_the_registry() -> None:
    folder = Path(server.__file__).parent / "checks"
    modules = {check.look.__module__.rpartition(".")[2] for check in server.CHECKS}
    assert modules == {file.stem for file in folder.glob("*.py")} - {"__init__"}
    told = {each.reason for each in server.SYMPTOMS}
    named = {
        reason for file in folder.glob("*.py") for reason in re.findall(r'^    "([A-Z_]+)",$', file.read_text(), re.M)
    }
    assert named <= told
