"""docs/coming-from-prefect.md: every name of Prefect is imported and compared; the page says what came of it."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coming_from.commands import commands
from coming_from.comparing import compare
from coming_from.page import MARK, PAGE, problems, render
from coming_from.shapes import members, shape
from coming_from.standings import DIFFERS, MISSING, SAME, Reason, Standing, standings
from conftest import ROOT


def test_the_page_is_what_the_names_say() -> None:
    assert PAGE.read_text() == render(), "Run scripts/generate to write docs/coming-from-prefect.md anew."


def test_what_everybody_imports_is_the_same() -> None:
    found = {each.name: each.standing for each in standings()[""]}
    assert {"flow": SAME, "task": SAME, "Flow": SAME, "tags": SAME, "pause_flow_run": SAME}.items() <= found.items()


def test_the_methods_of_the_main_classes_are_compared() -> None:
    found = {each.key: each.standing for names in standings().values() for each in names}
    for name in (
        "tasks.Task.submit",
        "tasks.Task.with_options",
        "flows.Flow.with_options",
        "variables.Variable.set",
        "client.orchestration.SyncPrefectClient.read_flow_runs",
        "blocks.core.Block.load",
    ):
        assert found[f"prefect.{name}"] == SAME, name


def test_commands_are_looked_for_with_their_options() -> None:
    found = {each.name: each for each in commands()}
    assert (found["variable set"].standing, found["server services list"].standing) == (SAME, SAME)
    assert (found["flow-run inspect"].standing, found["flow-run inspect --web"].standing) == (SAME, MISSING)
    assert not any(name.startswith("variable set ") for name in found)
    assert found["dashboard open"].standing == MISSING


@pytest.mark.parametrize(
    ("theirs", "ours", "differs", "more"),
    [
        (["function", "a", "b=1"], ["function", "a", "b=1"], [], []),
        (["function", "prefect=1"], ["function", "antiphon=1"], [], []),
        (["function", "a"], ["function", "a", "b=1"], [], ["b"]),
        (["function", "a"], ["function", "a", "b"], ["`b` has to be given"], []),
        (["function", "a", "b=1"], ["function", "a"], ["without `b`"], []),
        (["function", "a=1"], ["function", "a=2"], ["`a` is `2` by default, there `1`"], []),
        (["function", "a=1"], ["function", "a"], ["`a` has to be given"], []),
        (["function", "a", "b"], ["function", "b", "a"], ["in the order `b`, `a`"], []),
        (["function", "a", "b"], ["function", "a", "*", "b"], ["`b` by keyword only"], []),
        (["function", "a", "b"], ["function", "a", "c=1", "b=2"], ["in the order `a`, `b`, after `c`"], ["c"]),
        (["function", "*", "a", "b"], ["function", "*", "b", "a"], [], []),
        (["function", "**kwargs"], ["function"], ["without `**`"], []),
        (["function", "(by place)"], ["function", "a"], [], []),
        (["class", "a"], ["function", "a"], ["a class there, a function here"], []),
        (["enum", "A", "B"], ["enum", "B", "C"], ["without `A`"], ["C"]),
        (["exception", "PrefectException"], ["exception", "AntiphonException", "TypeError"], [], []),
        (["exception", "PrefectException"], ["exception", "TypeError"], ["no `AntiphonException`"], []),
        (["function"], ["object"], ["a function there, an object here"], []),
    ],
)
def test_what_counts_as_a_difference(theirs: list[str], ours: list[str], differs: list[str], more: list[str]) -> None:
    compared = compare(theirs, ours)
    assert (compared.differs, compared.more) == (differs, more)


def test_a_difference_needs_a_reason_and_nothing_else_may_have_one() -> None:
    found = [Standing("m", "A", SAME), Standing("m", "B", DIFFERS, ("without `x`",)), Standing("m", "C", MISSING)]
    assert problems(found, [Reason("Since.", ("prefect.m.B", "prefect.m.C"))]) == []
    assert problems(found, [Reason("Since.", ("prefect.m.B",))]) == [
        "prefect.m.C not there (no such name) and has no reason."
    ]
    (stale,) = problems(found, [Reason("Since.", ("prefect.m.[A-C]",))])
    assert stale == "'prefect.m.[A-C]' has a reason and needs none: prefect.m.A."
    assert "there is no such name" in problems(found, [Reason("Since.", ("prefect.m.[BC]", "prefect.m.D"))])[0]


class _Shown:
    def method(self, first: int, *, second: int = 2) -> None: ...

    @classmethod
    def of_class(cls, first: int) -> None: ...

    @staticmethod
    def of_none(first: int) -> None: ...

    @property
    def fact(self) -> int:
        return 1


def test_how_things_are_written_down() -> None:
    def function(first: int, _second: int = 2, /, *rest: Any, third: Any = int, **others: Any) -> None: ...

    assert shape(function) == ["function", "(by place)", "*args", "third=int", "**kwargs"]
    assert members(_Shown, inspect.getmodule(_Shown).__name__.partition(".")[0]) == {  # type: ignore[union-attr]
        "fact": ["property"],
        "method": ["method", "first", "*", "second=2"],
        "of_class": ["method", "first"],
        "of_none": ["method", "first"],
    }


def test_a_stale_page_is_written_anew_by_the_command(tmp_path: Path) -> None:
    # In a copy, so that nothing is written into the tree under test.
    for part in ("scripts/lib/coming_from", "docs", "tests/data"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / part, tmp_path / part], check=True)
    page = tmp_path / "docs" / PAGE.name
    page.write_text(page.read_text().partition(MARK)[0] + MARK + "stale\n")
    environment = {"PYTHONPATH": str(tmp_path / "scripts" / "lib")}
    subprocess.run([sys.executable, "-m", "coming_from"], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert page.read_text() == PAGE.read_text()


def test_every_page_that_is_named_is_there() -> None:
    for name in re.findall(r"\]\((\w[\w.-]*\.md)\)", PAGE.read_text()):
        assert (ROOT / "docs" / name).exists(), name
