"""The policy agrees with what was observed, or differs on purpose and by a rule; and the comparison sees it all."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from antiphon_server.domain.rules.retry_failed import RetryFailed
from antiphon_server.domain.rules.take_slot import TakeSlot
from oracle.__main__ import AGREED, DISAGREED, NO_CASES, main
from oracle.cases import Case, Sequence, read
from oracle.differences import DIFFERENCES
from oracle.judging import judge
from oracle.report import Report, collect, side_by_side

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "orchestration"
CASES = DATA / "transitions.sample.jsonl.gz"
SEQUENCES = DATA / "sequences.sample.jsonl"
#: On its way out of a pause still.
REMEMBERS = {"run": {"resuming": True, "retry_type": None, "pause_keys": []}}


@pytest.fixture(scope="module")
def report() -> Report:
    """Of all that was observed."""
    return collect(judge(item for path in (CASES, SEQUENCES) for item in read(path)))


def test_every_case_agrees_or_differs_on_purpose(report: Report) -> None:
    shown = [side_by_side(each) for found in report.disagreements.values() for each in found[:3]]
    assert report.unexplained == 0, "\n".join(shown)


def test_every_case_was_played_by_both(report: Report) -> None:
    items = [item for path in (CASES, SEQUENCES) for item in read(path)]
    cases = sum(isinstance(item, Case) for item in items)
    steps = sum("proposed" in step for item in items if isinstance(item, Sequence) for step in item.steps)
    played = {player: 0 for player, _ in report.tallies["kind"]}
    for (player, _), tally in report.tallies["kind"].items():
        played[player] += tally.cases
    assert cases > 8000
    assert steps > 100
    assert played == {"decide()": cases, "application": cases + steps}


def test_most_agree_to_the_letter(report: Report) -> None:
    """Differences are exceptions: a rule that explains everything would explain nothing."""
    tallies = report.tallies["kind"].values()
    assert sum(tally.agreed for tally in tallies) / sum(tally.cases for tally in tallies) > 0.85


def test_each_difference_is_met_and_has_its_reason(report: Report) -> None:
    met = {title for _, title in report.differences}
    titles = [difference.title for difference in DIFFERENCES]
    written = re.findall(r"^## (.+)$", (ROOT / "docs" / "differences.md").read_text(), re.MULTILINE)
    assert len(set(titles)) == len(titles)
    assert met == set(titles) == set(written)
    assert len(written) == len(titles)


def cases_of(group: str) -> list[Case]:
    return [item for item in read(CASES) if isinstance(item, Case) and item.group == group]


def skipped(*_: Any) -> None:
    """What a rule says that has been forgotten."""


@pytest.mark.parametrize(("rule", "group"), [(TakeSlot, "limit_full_enqueue"), (RetryFailed, "flow_retry")])
def test_a_rule_that_says_nothing_is_seen(rule: Any, group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "check", skipped)
    report = collect(judge(cases_of(group)))
    assert {player for player, _ in report.disagreements} == {"decide()", "application"}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("status", lambda expect: expect.update(status="ABORT")),
        ("state", lambda expect: expect["state"].update(name="Other")),
        ("origin", lambda expect: expect["state"].update(origin="replacement")),
        ("run_count", lambda expect: expect.update(run_count_after=7)),
        ("start_time_s", lambda expect: expect["run_after"].update(start_time_s=-1)),
        ("total_run_time_s", lambda expect: expect["run_after"].update(total_run_time_s=1)),
    ],
)
def test_each_field_is_compared(field: str, change: Callable[[dict[str, Any]], None]) -> None:
    case = next(each for each in cases_of("plain") if each.expect["status"] == "ACCEPT" and each.initial is not None)
    expect = json.loads(json.dumps(case.expect))
    change(expect)
    changed = Case(case.id, case.kind, case.group, case.initial, case.proposed, case.context, expect)
    for judgement in judge([changed]):
        assert judgement.unexplained == {field}


@pytest.mark.parametrize(
    ("title", "group", "wrong"),
    [
        ("Runs are marked late under the whole policy", "mark_late_policy", {"status": "WAIT"}),
        ("Task runs are always orchestrated", "tag_limits_context", {"status": "ACCEPT"}),
        ("There is one kind of limit", "tag_limits", {"status": "ACCEPT"}),
        ("There is one kind of limit", "tag_limits", {"delay": None}),
        ("All tags or none", "tag_limits", {"slots": {"tags": {"a": 1, "b": 0}}}),
        ("There are no older APIs", "api_version", REMEMBERS),
        ("There are no older APIs", "flow_retry_api_version", REMEMBERS),
        ("No delays mean at once", "task_retry", {"status": "WAIT"}),
    ],
)
def test_a_difference_explains_only_what_is_meant(title: str, group: str, wrong: dict[str, Any]) -> None:
    """A fault must not hide behind an entry that allows for another answer than was observed."""
    (difference,) = (each for each in DIFFERENCES if each.title == title)
    explained = [each for each in judge(cases_of(group)) if title in each.explained_by]
    assert explained
    for each in explained:
        assert difference.meant(each.case, each.outcome)
        assert not difference.meant(each.case, replace(each.outcome, **wrong)), each.case


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row_of(case: Case, **changes: Any) -> dict[str, Any]:
    return {name: getattr(case, name) for name in case.__slots__} | changes


def test_the_command_says_by_its_exit_code_whether_all_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = cases_of("plain")[0]
    plain = written(tmp_path / "plain.jsonl", row_of(case))
    zipped = tmp_path / "zipped.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert main([str(plain), str(zipped)]) == AGREED
    assert "Unexplained: 0" in capsys.readouterr().out

    wrong = row_of(case, expect={**case.expect, "status": "ABORT"})
    assert main([str(plain), str(written(tmp_path / "wrong.jsonl", wrong))]) == DISAGREED
    said = capsys.readouterr().out
    assert case.id in said
    assert "Unexplained: 2" in said


@pytest.mark.parametrize("text", ["", "{}\n", "no json\n", '{"id": "x", "steps": []}\n'])
def test_files_without_cases_are_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    assert main([str(path)]) == NO_CASES
    assert "scripts/oracle: " in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.jsonl")]) == NO_CASES
    assert "none.jsonl" in capsys.readouterr().err
