"""What type checkers, mypy and pyright, say of user code."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from type_checking import check, check_by_pyright

ROOT = Path(__file__).parents[2]

RIGHT = """
import asyncio
from typing import Any

from uuid import UUID

from antiphon import Flow, State, Task, allow_failure, flow, task, unmapped
from antiphon.artifacts import Artifact, MarkdownArtifact, acreate_markdown_artifact, create_markdown_artifact
from antiphon.blocks.system import Secret
from antiphon.client.schemas.objects import FlowRun, TaskRun
from antiphon.futures import AntiphonFuture, AntiphonFutureList
from antiphon.transactions import AsyncTransaction, Transaction
from antiphon.variables import Variable


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task(retries=3, retry_delay_seconds=[1, 2])
async def aadd(x: int) -> int:
    return x


class Job:
    @task
    def method(self, x: int) -> str:
        return str(x)


@flow
def sync_flow(name: str) -> list[int]:
    plain: int = add(1)
    future: AntiphonFuture[int] = add.submit(1)
    value: int = future.result()
    chained: AntiphonFuture[int] = add.submit(future, y=value, wait_for=[future])
    state: State[int] = add.submit(1, return_state=True)
    futures: AntiphonFutureList[int] = add.map([1, 2], unmapped(3))
    ready: int = add(1, wait_for=[future])
    known: State[int] = add(1, return_state=True, wait_for=[future])
    states: list[State[int]] = add.map([1, 2], return_state=True)
    later: AntiphonFuture[int] = aadd.submit(1)
    laters: AntiphonFutureList[int] = aadd.map([1])
    allowed = add.submit(allow_failure(chained))
    results: list[int] = futures.result()
    ended: list[int] = [known.result(), state.result(), states[0].result(), later.result(), laters[0].result()]
    return [plain, value, ready, *results, *ended]


@flow(name="later", retries=2)
async def async_flow(count: int) -> int:
    one: int = await aadd(count)
    two: int = await aadd(count, wait_for=[])
    state: State[int] = await aadd(count, return_state=True)
    ended: int = await state.aresult()
    return one + two + ended


numbers: list[int] = sync_flow("x")
number: int = asyncio.run(async_flow(1))
ended: State[list[int]] = sync_flow("x", return_state=True)
later: State[int] = asyncio.run(async_flow(1, return_state=True))
renamed: list[int] = sync_flow.with_options(name="y")("x")
state_of: State[Any] = add.with_options(tags=["a"]).submit(1, return_state=True)


text: str = Job().method(1)
of_method: AntiphonFuture[str] = Job().method.submit(1)
by_class: str = Job.method(Job(), 1)
label: str = sync_flow.__name__


@sync_flow.on_failure
def tell(flow: Any, run: Any, state: State) -> None: ...


@sync_flow.on_completion
def tell_more(flow: Flow[..., Any], flow_run: FlowRun, state: State) -> int:
    return 1


@add.on_failure
def tell_of_task(task: Task[..., Any], task_run: TaskRun, state: State) -> None: ...


@add.on_rollback
def undo(txn: Transaction) -> None: ...


@aadd.on_commit
async def note(txn: AsyncTransaction) -> None: ...


def worth_a_retry(task: Task[..., Any], task_run: TaskRun, state: State) -> bool:
    return state.name == "TimedOut"


told: int = tell_more(sync_flow, FlowRun.model_construct(), state_of)
hooked = add.with_options(on_failure=[tell_of_task], on_rollback=[undo], retry_condition_fn=worth_a_retry)


artifact_id: UUID = create_markdown_artifact("x", key="y")
kept, made = MarkdownArtifact.get_or_create("y", markdown="x")
kept_id: UUID = kept.id
created: bool = made
newest = Artifact.get("y")
newest_id: UUID | None = newest.id if newest is not None else None
secret: Secret[str] = Secret(value="sk-123")
shown: str = MarkdownArtifact(markdown="x").format()
variable: Variable[Any] = Variable.set("x", {"a": [1]}, tags=["b"])
size: int = Variable.get("size", 5)


async def twins() -> None:
    one: UUID = await acreate_markdown_artifact("x")
    two: UUID = (await MarkdownArtifact(markdown="x").acreate()).id
    three: Variable[Any] = await Variable.aset("x", 5)
    four: bool = await Variable.aunset("x")
"""


MORE = """
import asyncio
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from typing import Any

from antiphon import Flow, State, Task, flow, task
from antiphon.cache_policies import INPUTS, TASK_SOURCE
from antiphon.futures import AntiphonFuture, AntiphonFutureList, as_completed, wait
from antiphon.transactions import Transaction, transaction


@task
def numbers(count: int) -> Generator[int, None, None]:
    yield from range(count)


@task
async def anumbers(count: int) -> AsyncGenerator[int, None]:
    for each in range(count):
        yield each


@task(cache_policy=INPUTS - "y" + TASK_SOURCE, cache_expiration=timedelta(days=1), persist_result=True)
def kept(x: int, y: str = "") -> dict[str, int]:
    return {y: x}


@kept.on_rollback
def undo(txn: Transaction) -> None: ...


@kept.on_completion
def done(task: Task[..., Any], run: Any, state: State) -> None: ...


hook_keeps_its_type: str = done.__name__


@flow
def yields(count: int) -> Generator[int, None, None]:
    yield from numbers(count)


@flow
async def ayields(count: int) -> AsyncGenerator[int, None]:
    async for each in anumbers(count):
        yield each


def alarm(flow: Flow[..., Any], run: Any, state: State) -> None: ...


@flow(on_failure=[alarm], retries=2)
def hooked() -> None:
    with transaction(key="k") as txn:
        txn.set("a", 1)
        kept(1)


class Jobs:
    @flow
    def method(self, x: int) -> int:
        return x

    @staticmethod
    @flow
    def static(x: int) -> int:
        return x

    @flow
    @staticmethod
    def other_static(x: int) -> int:
        return x

    @flow
    @classmethod
    def of_class(cls, x: int) -> int:
        return x

    @task
    @classmethod
    def task_of_class(cls, x: int) -> int:
        return x

    @task
    async def job(self, x: int) -> str:
        return ""


one: int = Jobs().method(1)
two: int = Jobs.static(1) + Jobs.other_static(1)
three: int = Jobs().of_class(1) + Jobs().task_of_class.submit(1).result()
future: AntiphonFuture[str] = Jobs().job.submit(1)
futures: AntiphonFutureList[str] = Jobs().job.map([1])
copied: Flow[[int], int] = Jobs.other_static.with_options(name="x", retries=1, persist_result=True, log_prints=None)
collected: list[int] = list(yields(3))


async def collect() -> list[int]:
    return [each async for each in ayields(2)]


acollected: list[int] = asyncio.run(collect())
done_ones: set[AntiphonFuture[str]] = wait(futures).done
texts: list[str] = [each.result() for each in as_completed(futures)]
graph: str = hooked.generate_mermaid_graph()


async def draw() -> str:
    await Jobs().job(1)
    return await hooked.agenerate_mermaid_graph()


loaded: Flow[..., Any] = flow.from_source("folder", "flows.py:hello")
"""

WRONG = """
import asyncio

from antiphon import flow, task
from antiphon.artifacts import create_markdown_artifact
from antiphon.variables import Variable


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
async def aadd(x: int) -> int:
    return x


@flow
def f(name: str) -> int:
    return 1


@flow
async def g(name: str) -> int:
    return 1


class Job:
    @task
    def method(self, x: int) -> str:
        return str(x)


create_markdown_artifact(5)  # E: arg-type
Variable.set(5, 5)  # E: arg-type
add("one")  # E: call-overload
add(1, z=2)  # E: call-overload
add()  # E: call-overload
text: str = add(1)  # E: assignment
f(1)  # E: call-overload
f()  # E: call-overload
g(name=1)  # E: call-overload
wrong: str = asyncio.run(g("x"))  # E: assignment
number: int = aadd(1)  # E: assignment
result: str = add.submit(1).result()  # E: assignment
results: list[str] = add.map([1]).result()  # E: assignment
Job().method("one")  # E: call-overload
f.with_options(retires=1)  # E: call-arg
f.with_options(retries="many")  # E: arg-type


@task
def no(x: int) -> int:
    return "text"  # E: return-value
"""


@pytest.fixture(scope="module")
def pyright() -> Path:
    """The program, which npm brings at the first use."""
    command = 'root=$1; source "$root/scripts/lib/tools.sh"; pyright_path'
    done = subprocess.run(["bash", "-c", command, "bash", str(ROOT)], capture_output=True, text=True, timeout=110)
    if done.returncode and not os.environ.get("ANTIPHON_REQUIRE_TOOLS"):
        pytest.skip(f"pyright: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.mark.parametrize("code", [RIGHT, MORE], ids=["calls", "more"])
def test_right_code_has_no_errors(tmp_path: Path, code: str) -> None:
    assert check(tmp_path, code) == []


@pytest.mark.parametrize("mode", ["basic", "strict"])
@pytest.mark.parametrize("code", [RIGHT, MORE], ids=["calls", "more"])
def test_right_code_has_no_errors_for_pyright(pyright: Path, tmp_path: Path, code: str, mode: str) -> None:
    assert check_by_pyright(pyright, tmp_path, code, mode) == []


def test_each_mistake_is_found(tmp_path: Path) -> None:
    said = check(tmp_path, WRONG)
    found = [(int(line), kind) for line, kind in (re.findall(r":(\d+):.*\[([a-z-]+)\]$", each)[0] for each in said)]
    lines = WRONG.splitlines()
    assert found == [(at, line.split("# E: ")[1]) for at, line in enumerate(lines, 1) if "# E: " in line], said


def test_each_mistake_is_found_by_pyright(pyright: Path, tmp_path: Path) -> None:
    said = check_by_pyright(pyright, tmp_path, WRONG, "basic")
    wrong = {at for at, line in enumerate(WRONG.splitlines(), 1) if "# E: " in line}
    assert {line for line, _, _ in said} == wrong, said
