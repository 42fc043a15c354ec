"""What a type checker says of user code."""

import re
from pathlib import Path

from type_checking import check

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


@task
def no(x: int) -> int:
    return "text"  # E: return-value
"""


def test_right_code_has_no_errors(tmp_path: Path) -> None:
    assert check(tmp_path, RIGHT) == []


def test_each_mistake_is_found(tmp_path: Path) -> None:
    said = check(tmp_path, WRONG)
    found = [(int(line), kind) for line, kind in (re.findall(r":(\d+):.*\[([a-z-]+)\]$", each)[0] for each in said)]
    lines = WRONG.splitlines()
    assert found == [(at, line.split("# E: ")[1]) for at, line in enumerate(lines, 1) if "# E: " in line], said
