"""Drawing what a flow would call."""

import asyncio
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon import Flow, flow, task
from antiphon.utilities.visualization import (
    FlowVisualizationError,
    GraphvizExecutableNotFoundError,
    GraphvizImportError,
    VisualizationUnsupportedError,
)
from kinds import Kind

pytestmark = pytest.mark.filterwarnings("ignore:.*runs the code of flow")


@task(viz_return_value=[1, 2])
def load(source: str) -> list[int]:
    raise AssertionError("a task ran")


@task
def show(value: Any, more: Any = None) -> Any:
    raise AssertionError("a task ran")


@flow(name="the part")
def part(value: Any) -> Any:
    raise AssertionError("a subflow ran")


def arrows(drawn: Flow[..., Any], *args: Any) -> tuple[list[str], set[tuple[str, str]]]:
    """Names in order, and the arrows between them."""
    first, *lines = drawn.generate_mermaid_graph(*args).splitlines()
    assert first == "flowchart TD"
    names = dict(line.strip().removesuffix('"]').split('["') for line in lines if "[" in line)
    pairs = [line.strip().split(" --> ") for line in lines if "-->" in line]
    return list(names.values()), {(names[before], names[after]) for before, after in pairs}


def test_calls_and_what_they_take_from_each_other(kind: Kind) -> None:
    @kind.flow()
    def body(source: str = "s") -> Any:
        numbers = load(source)
        assert [each + 1 for each in numbers] == [2, 3]
        one = show(numbers)
        two = show(one)
        show({"deep": [two, numbers]})
        show(1, wait_for=[one])
        show(one.result())
        yield from ()

    names, found = arrows(body)
    assert names == ["load-0", "show-0", "show-1", "show-2", "show-3", "show-4"]
    assert found == {
        ("load-0", "show-0"),
        ("show-0", "show-1"),
        ("show-1", "show-2"),
        ("load-0", "show-2"),
        ("show-0", "show-3"),
        ("show-0", "show-4"),
    }


def test_subflows_submitted_tasks_and_states() -> None:
    @flow
    def body(source: str) -> Any:
        future = load.submit(source)
        future.wait()
        numbers = future.result()
        assert numbers == [1, 2]
        done = part(future)
        state = show(done, return_state=True)
        assert state.is_completed()
        show.submit(numbers, return_state=True)
        return part(state.result())

    names, found = arrows(body, "s")
    assert names == ["load-0", "the part-0", "show-0", "show-1", "the part-1"]
    assert found == {
        ("load-0", "the part-0"),
        ("the part-0", "show-0"),
        ("load-0", "show-1"),
        ("show-0", "the part-1"),
    }


def test_async_tasks_and_tasks_that_yield() -> None:
    @task(viz_return_value=["a", "b"])
    async def anames() -> list[str]:
        raise AssertionError("a task ran")

    @task(viz_return_value=["a", "b"])
    def names() -> Any:
        yield "never"

    @task(viz_return_value=["c"])
    async def later() -> Any:
        yield "never"

    @flow
    async def body() -> None:
        assert await anames() == ["a", "b"]
        assert list(names()) == ["a", "b"]
        assert [each async for each in later()] == ["c"]

    drawn = asyncio.run(body.agenerate_mermaid_graph())
    assert [line for line in drawn.splitlines() if "[" in line] == [
        '    n0["anames-0"]',
        '    n1["names-0"]',
        '    n2["later-0"]',
    ]
    assert body.generate_mermaid_graph() == drawn

    async def in_async_code() -> Any:
        return await body.generate_mermaid_graph()  # type: ignore[misc]  # the sync one, for type checkers

    assert asyncio.run(in_async_code()) == drawn


def test_values_that_python_shares_are_nobodys() -> None:
    @task(viz_return_value=1)
    def one() -> int:
        raise AssertionError("a task ran")

    @flow
    def body() -> None:
        one()
        show(1)

    assert arrows(body) == (["one-0", "show-0"], set())


def test_names_that_mermaid_would_read_otherwise() -> None:
    @flow
    def body() -> None:
        show.with_options(name='a "b" <c> & d')(1)

    assert 'n0["a #quot;b#quot; #lt;c#gt; #amp; d-0"]' in body.generate_mermaid_graph()


def test_the_flows_own_code_runs_and_that_is_said() -> None:
    @flow
    def body() -> None: ...

    with pytest.warns(UserWarning, match=r"generate_mermaid_graph.. runs the code of flow 'body' that is in no task"):
        assert body.generate_mermaid_graph() == "flowchart TD"


def test_what_cannot_be_drawn() -> None:
    @flow
    def maps() -> None:
        show.map([1, 2])

    @flow
    def computes() -> int:
        number: int = show(1) + 1
        return number

    @flow
    def yields() -> Any:
        yield 1

    with pytest.raises(VisualizationUnsupportedError, match=r"maps task 'show', and that cannot be drawn"):
        maps.generate_mermaid_graph()
    with pytest.raises(FlowVisualizationError, match=r"TypeError: unsupported operand.*viz_return_value"):
        computes.generate_mermaid_graph()
    with pytest.raises(VisualizationUnsupportedError, match=r"yields"):
        yields.generate_mermaid_graph()
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nonsense'"):
        maps.generate_mermaid_graph(nonsense=1)


@flow
def small() -> None:
    show(load("s"))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(GraphvizImportError, match=r"pip install 'antiphon\[viz\]'.*generate_mermaid_graph"):
        small.visualize()


def test_without_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("graphviz")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GraphvizExecutableNotFoundError, match=r"`dot` is not there.*graphviz\.org"):
        small.visualize()


def test_a_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: Kind
) -> None:
    """By a `dot` that writes what it is told to draw, since Graphviz itself is no Python package."""
    pytest.importorskip("graphviz")
    program = tmp_path / "dot"
    # `dot -Kdot -Tpng -O <file>` writes `<file>.png`; the last argument is the file.
    program.write_text(f'#!{sys.executable}\nimport shutil, sys\nshutil.copy(sys.argv[-1], sys.argv[-1] + ".png")\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def pictures() -> None:
        if kind.is_async:
            asyncio.run(small.avisualize())
        else:
            small.visualize()

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pictures()
    said = capsys.readouterr().out
    file = Path(said.splitlines()[0].removeprefix("The graph of flow 'small' is in "))
    drawn = file.read_text()
    assert '"load-0" -> "show-0"' in drawn
    assert os.path.commonpath([file, tmp_path]) == str(tmp_path)
