"""What a type checker says of code that uses the client."""

import re
from pathlib import Path

from type_checking import check

RIGHT = """
import asyncio
from uuid import UUID

from antiphon import State, flow, get_client
from antiphon.client.orchestration import AntiphonClient, SyncAntiphonClient
from antiphon.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from antiphon.client.schemas.objects import Flow, FlowRun, Log
from antiphon.client.schemas.responses import OrchestrationResult
from antiphon.client.schemas.sorting import FlowRunSort
from antiphon.states import Completed


@flow
def mine(x: int) -> int:
    return x


async def async_code(id: UUID) -> None:
    client: AntiphonClient = get_client()
    async with client:
        one: FlowRun = await client.read_flow_run(id)
        runs: list[FlowRun] = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(like_="x")), sort=FlowRunSort.NAME_ASC, limit=3
        )
        some: tuple[int, str] = await asyncio.gather(client.count_flow_runs(), client.api_version())
        result: OrchestrationResult = await client.set_flow_run_state(str(id), Completed())
    print(one, runs, some, result)


def sync_code(id: UUID) -> None:
    with get_client(sync_client=True) as client:
        same: SyncAntiphonClient = client
        made: FlowRun = same.create_flow_run(mine, parameters={"x": 1})
        read: Flow = client.read_flow(made.flow_id)
        states: list[State] = client.read_flow_run_states(made.id)
        lines: list[Log] = client.read_logs(limit=3)
        nothing: Exception | None = client.api_healthcheck()
    print(read, states, lines, nothing, client.client_version().upper())
"""

WRONG = """
from uuid import UUID

from antiphon import get_client
from antiphon.client.schemas.objects import FlowRun


async def async_code(id: UUID) -> None:
    async with get_client() as client:
        one: FlowRun = client.read_flow_run(id)  # E: assignment
        other: str = await client.read_flow_run(id)  # E: assignment
        await client.read_flow_run(3)  # E: arg-type
        await client.read_flow_runs(nonsense=3)  # E: call-arg
        await client.read_nonsense()  # E: attr-defined


def sync_code(id: UUID) -> None:
    with get_client(sync_client=True) as client:
        runs: list[str] = client.read_flow_runs()  # E: assignment
        client.read_flow_run()  # E: call-arg
        client.set_flow_run_state(id, "COMPLETED")  # E: arg-type
"""


def test_right_code_has_no_errors(tmp_path: Path) -> None:
    assert check(tmp_path, RIGHT) == []


def test_each_mistake_is_found(tmp_path: Path) -> None:
    said = check(tmp_path, WRONG)
    found = [(int(line), kind) for line, kind in (re.findall(r":(\d+):.*\[([a-z-]+)\]$", each)[0] for each in said)]
    lines = WRONG.splitlines()
    assert found == [(at, line.split("# E: ")[1]) for at, line in enumerate(lines, 1) if "# E: " in line], said
