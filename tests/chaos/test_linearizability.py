"""The checker of histories refuses what no order explains, and takes what one does."""

import json
from pathlib import Path
from typing import Any

import pytest

from chaos.evidence import Evidence
from chaos.linearizability.history import LINEAR, ask, judge, missing, operations
from tools_needed import miss_tool


@pytest.fixture(autouse=True)
def _checker() -> None:
    if missing():
        miss_tool(missing())


def op(kind: str, state: str, call: int, end: int, expected: str = "") -> dict[str, Any]:
    return {"kind": kind, "state": state, "expected": expected, "call": call, "return": end}


GOOD: dict[str, list[dict[str, Any]]] = {
    "one after the other": [
        op("set", "a", 1, 2),
        op("read", "a", 3, 4),
        op("set", "b", 5, 6, "a"),
        op("read", "b", 7, 8),
    ],
    "read either while it is set": [
        op("set", "a", 1, 2),
        op("set", "b", 3, 9, "a"),
        op("read", "b", 4, 5),
        op("read", "b", 6, 7),
    ],
    "one of two wins": [op("set", "a", 1, 2), op("set", "b", 3, 9, "a"), op("refused", "b", 3, 9, "a")],
    "open and done": [op("open", "a", 1, 0), op("read", "", 2, 3), op("read", "a", 4, 5)],
    "open and never done": [op("open", "a", 1, 0), op("read", "", 2, 3), op("set", "b", 4, 5), op("read", "b", 6, 7)],
    "open on what never held": [op("open", "b", 1, 0, "nothing"), op("read", "", 2, 3)],
}
BAD: dict[str, list[dict[str, Any]]] = {
    "a stale read": [op("set", "a", 1, 2), op("set", "b", 3, 4, "a"), op("read", "a", 5, 6)],
    "a lost write": [op("set", "a", 1, 2), op("read", "", 3, 4)],
    "both win": [op("set", "a", 1, 2), op("set", "b", 3, 9, "a"), op("set", "c", 3, 9, "a")],
    "back and forth": [op("set", "a", 1, 9), op("read", "a", 2, 3), op("read", "", 4, 5)],
    "refused for nothing": [op("set", "a", 1, 2), op("refused", "a", 3, 4, "a")],
    "open and undone": [op("open", "a", 1, 0), op("read", "a", 2, 3), op("read", "", 4, 5)],
    "out of nowhere": [op("read", "a", 1, 2)],
}


def test_just_those_that_no_order_explains_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "histories.json"
    file.write_text(json.dumps(GOOD | BAD))
    assert ask(file) == {"refused": sorted(BAD), "undecided": []}


def test_a_wrong_question_is_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "histories.json"
    file.write_text("[]")
    with pytest.raises(RuntimeError):
        ask(file)


def entries(read: str) -> list[dict[str, Any]]:
    """Of two processes: one sets, is answered, sets again and is not; the other one reads."""
    return [
        {"what": "sets", "at": 1, "run": "r", "id": "a", "expected": ""},
        {"what": "set", "at": 3, "began": 1, "run": "r", "id": "a", "expected": "", "held": "a", "accepted": True},
        {"what": "sets", "at": 4, "run": "r", "id": "b", "expected": "a"},
        {"what": "read", "at": 6, "began": 5, "run": "r", "state": read},
        {"what": "begin", "at": 7, "run": "other"},
    ]


def test_journals_become_histories() -> None:
    assert operations(entries("b")) == {
        "r": [op("set", "a", 1, 3), op("open", "b", 4, 0, "a"), {"call": 5, "return": 6, "kind": "read", "state": "b"}]
    }


@pytest.mark.parametrize(
    ("read", "done", "fits"),
    [("a", True, True), ("b", True, True), ("a", False, True), ("b", False, False), ("", True, False)],
)
def test_what_was_not_answered_was_done_or_not_as_the_database_says(
    tmp_path: Path, read: str, done: bool, fits: bool
) -> None:
    rows = [{"id": "a", "run_id": "r", "wrote_state": True}, {"id": "b", "run_id": "r", "wrote_state": done}]
    judged = judge(Evidence({"transitions": rows}, entries(read)), tmp_path)
    assert [(each.promise, each.subjects) for each in judged.findings] == ([] if fits else [(LINEAR, ("r",))])
    assert f"{3 if done else 2} operations, {int(done)} done without an answer" in judged.said
