"""Flows by their entrypoints, and what their source says."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon import Flow, flow
from antiphon.exceptions import MissingFlowError, ScriptError, UnspecifiedFlowError
from antiphon.flows import (
    is_entrypoint_async,
    load_flow_arguments_from_entrypoint,
    load_flow_from_entrypoint,
    load_function_and_convert_to_flow,
    load_placeholder_flow,
    safe_load_flow_from_entrypoint,
    select_flow,
)
from stored import Stored

GOOD = '''
from beside_{n} import LABEL
from antiphon import flow, task

NAME = "good"

@task
def inc(x): return x + 1

@flow(name=f"the {{NAME}} one", retries=2, description="Says " + NAME)
def hello(x: int = 1): return inc(x)

@flow
async def later():
    """Waits."""
    return LABEL

def plain(x): return x

class Jobs:
    @flow
    @staticmethod
    def job(): return "job"
'''

BROKEN = '''
import a_package_that_is_not_there
from antiphon import flow

@flow(name="broken-one", retries=3, version=a_package_that_is_not_there.VERSION)
def hello(x: a_package_that_is_not_there.Number):
    """Counts."""

@flow()
async def later(): ...
'''


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With modules whose names no other test uses, as the working directory."""
    number = abs(hash(request.node.name))
    (tmp_path / f"beside_{number}.py").write_text("LABEL = 'beside'\n")
    (tmp_path / f"good_{number}.py").write_text(GOOD.format(n=number))
    (tmp_path / f"broken_{number}.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def module(folder: Path, name: str) -> str:
    return next(folder.glob(f"{name}_*.py")).stem


@pytest.mark.parametrize("form", ["{0}.py:{1}", "./{0}.py:{1}", "{2}/{0}.py:{1}", "{0}:{1}", "{0}.{1}"])
def test_each_form_of_an_entrypoint(folder: Path, form: str, stored: Stored) -> None:
    good = module(folder, "good")
    where = form.format(good, "hello", folder)
    before = list(sys.path)
    found = load_flow_from_entrypoint(where)
    assert (found.name, found.retries, found.description) == ("the good one", 2, "Says good")
    assert found(2) == 3
    assert load_flow_arguments_from_entrypoint(where) == {
        "name": "the good one",
        "retries": 2,
        "description": "Says good",
    }
    assert not is_entrypoint_async(where)
    assert is_entrypoint_async(form.format(good, "later", folder))
    assert sys.path == before


def test_a_flow_in_a_class(folder: Path, stored: Stored) -> None:
    good = module(folder, "good")
    assert load_flow_from_entrypoint(f"{good}.py:Jobs.job")() == "job"
    assert load_flow_from_entrypoint(f"{good}:Jobs.job")() == "job"
    assert load_flow_arguments_from_entrypoint(f"{good}.py:Jobs.job") == {"name": "job"}


def test_tasks_of_a_file_are_known_by_the_same_key_in_each_process(folder: Path) -> None:
    good = folder / f"{module(folder, 'good')}.py"
    code = (
        "import sys; from antiphon.flows import load_flow_from_entrypoint as load\n"
        "loaded = load(sys.argv[1]); print(loaded.fn.__globals__['inc'].task_key)"
    )
    command = [sys.executable, "-c", code, f"{good}:hello"]
    keys = {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)}
    assert keys == {f"__antiphon_script_{good.stem}.inc"}


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for each in ("one", "two"):
        (tmp_path / each).mkdir()
        (tmp_path / each / "same.py").write_text(f"from antiphon import flow\n@flow\ndef f(): return {each!r}\n")
    one = load_flow_from_entrypoint(f"{tmp_path}/one/same.py:f")
    two = load_flow_from_entrypoint(f"{tmp_path}/two/same.py:f")
    again = load_flow_from_entrypoint(f"{tmp_path}/one/same.py:f")
    assert (one.fn(), two.fn(), again.fn()) == ("one", "two", "one")
    assert one.fn.__module__ == again.fn.__module__ != two.fn.__module__


def test_a_function_becomes_a_flow(folder: Path) -> None:
    good = module(folder, "good")
    made = load_function_and_convert_to_flow(f"{good}.py:plain")
    assert isinstance(made, Flow) and made.name == "plain"
    assert load_function_and_convert_to_flow(f"{good}.py:hello").name == "the good one"
    with pytest.raises(TypeError, match=r"stands on functions"):
        load_function_and_convert_to_flow(f"{good}.py:NAME")


def test_a_placeholder_stands_for_a_flow_that_cannot_be_loaded(folder: Path, stored: Stored) -> None:
    broken = module(folder, "broken")
    found = load_flow_from_entrypoint(f"{broken}.py:hello")
    assert (found.name, found.retries, found.version, found.description) == ("broken-one", 3, None, "Counts.")
    assert load_flow_arguments_from_entrypoint(f"{broken}.py:hello", ["name", "version"]) == {"name": "broken-one"}
    with pytest.raises(ScriptError, match=r"The script at 'broken_\d+.py' raised an exception: ModuleNotFoundError"):
        found.with_options(retries=0)(1)
    later = load_flow_from_entrypoint(f"{broken}:later")
    with pytest.raises(ScriptError):
        asyncio.run(later())
    with pytest.raises(ScriptError) as raised:
        load_flow_from_entrypoint(f"{broken}.py:hello", use_placeholder_flow=False)
    assert isinstance(raised.value.user_exc, ModuleNotFoundError)
    with pytest.raises(ScriptError):
        load_flow_from_entrypoint(f"{broken}.py:nothing")
    assert safe_load_flow_from_entrypoint(f"{broken}.py:hello") is None
    with pytest.raises(OSError, match=r"mine"):
        load_placeholder_flow(f"{broken}.py:hello", raises=OSError("mine")).fn()


def test_a_file_that_fails_leaves_nothing_behind(folder: Path) -> None:
    broken = module(folder, "broken")
    before = set(sys.modules)
    assert safe_load_flow_from_entrypoint(f"{broken}.py:hello") is None
    assert not [each for each in set(sys.modules) - before if "broken" in each]


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ("", ValueError, "is no entrypoint. It says where a flow is: 'path/to/file.py:my_flow'"),
        ("flows.py", ValueError, "is no entrypoint"),
        ("flows.py:", ValueError, "is no entrypoint"),
        ("flows.py:a b", ValueError, "is no entrypoint"),
        (7, TypeError, "An entrypoint is text such as 'flows.py:my_flow', not int: 7"),
        ("nowhere.py:f", ScriptError, "There is no script at 'nowhere.py'"),
        ("nowhere_at_all.f", ScriptError, "The script at 'nowhere_at_all' raised an exception: ModuleNotFoundError"),
        ("{good}.py:plain", MissingFlowError, "is no flow but function. Put the decorator @flow on the function"),
        ("{good}.py:nope", MissingFlowError, "There is no 'nope' in .*there are: Jobs, hello, inc, later, plain"),
        ("{good}.py:Jobs.nope", MissingFlowError, "There is no 'Jobs.nope'"),
    ],
)
def test_entrypoints_that_lead_nowhere(folder: Path, where: Any, error: type[Exception], message: str) -> None:
    good = module(folder, "good")
    with pytest.raises(error, match=message):
        load_flow_from_entrypoint(where.format(good=good) if isinstance(where, str) else where)


def test_source_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("def f(:\n")
    with pytest.raises(ScriptError, match=r"SyntaxError"):
        load_flow_from_entrypoint(f"{tmp_path}/wrong.py:f")
    with pytest.raises(ScriptError, match=r"SyntaxError"):
        is_entrypoint_async(f"{tmp_path}/wrong.py:f")
    (tmp_path / "zero.py").write_bytes(b"\0")
    with pytest.raises(ScriptError):
        load_flow_arguments_from_entrypoint(f"{tmp_path}/zero.py:f")


def test_options_that_are_no_constants_are_left_out_and_run_nothing(tmp_path: Path) -> None:
    (tmp_path / "opts.py").write_text(
        "from antiphon import flow\nimport antiphon\nBOOM = 1 / 0\nBASE = 2\nTWICE = BASE + BASE\n"
        "@antiphon.flow(name=open('x').read(), retries=TWICE, timeout_seconds=-BASE, version=f'{BASE}',\n"
        "               log_prints=BOOM)\ndef an_example(): ...\n"
    )
    found = load_flow_arguments_from_entrypoint(f"{tmp_path}/opts.py:an_example")
    assert found == {"name": "an-example", "retries": 4, "timeout_seconds": -2, "version": "2"}


def test_select_flow() -> None:
    @flow
    def one() -> None: ...

    @flow(name="second")
    def two() -> None: ...

    assert select_flow([one]) is one
    assert select_flow([one, two], "second") is two
    with pytest.raises(
        MissingFlowError, match=r"There is no flow in the file. A flow is a function with the decorator"
    ):
        select_flow([], from_message="in the file")
    with pytest.raises(MissingFlowError, match=r"There is no flow 'two' in x, but 'one', 'second'"):
        select_flow([one, two], "two", from_message="in x")
    with pytest.raises(UnspecifiedFlowError, match=r"There are 2 flows: 'one', 'second'. Say which one by its name"):
        select_flow([one, two])
