"""`wait_for_flow_run`: told the moment a run ends."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, runtime
from antiphon.exceptions import FlowRunWaitTimeout, ObjectNotFound
from antiphon.flow_runs import wait_for_flow_run
from antiphon.payloads import PICKLE, make_payload
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.shared_client import close_clients
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CancelFlowRunRequest, CreateFlowRunRequest
from server_process import ServerProcess
from stored import Stored
from world import MISSING

PATIENCE = 20.0


def made(client: ServiceClient) -> str:
    request = CreateFlowRunRequest(flow_run=FlowRun(flow_name="waited for"))
    return str(client.call(client.flow_runs.CreateFlowRun, request).flow_run.id)


def cancel(client: ServiceClient, run_id: str) -> None:
    client.call(client.flow_runs.CancelFlowRun, CancelFlowRunRequest(id=run_id))


def test_a_run_that_has_ended(stored: Stored) -> None:
    @flow
    def done(x: int) -> str:
        return runtime.flow_run.id or ""

    run = asyncio.run(wait_for_flow_run(done(3), timeout=0))
    assert (run.flow_name, run.parameters) == ("done", {"x": 3})
    assert run.state is not None and run.state.is_completed()


def test_a_run_that_ends_while_many_wait(stored: Stored) -> None:
    id = made(stored.client)

    async def main() -> tuple[list[Any], int]:
        waits = [asyncio.ensure_future(wait_for_flow_run(id, poll_interval=3600)) for _ in range(500)]
        done, _ = await asyncio.wait(waits, timeout=0.05)
        assert not done
        await asyncio.to_thread(cancel, stored.client, id)
        return await asyncio.gather(*waits), threading.active_count()

    before = threading.active_count()
    runs, threads = asyncio.run(main())
    assert {run.state_name for run in runs} == {"Cancelled"}
    assert threads < before + 50


def test_a_run_that_goes_on(stored: Stored) -> None:
    with pytest.raises(FlowRunWaitTimeout, match=r"has not ended within 0\.02 second.*wait for longer"):
        asyncio.run(wait_for_flow_run(made(stored.client), timeout=0.02))


def test_a_run_whose_parameters_cannot_be_read_here(stored: Stored) -> None:
    unreadable = make_payload(PICKLE, b"cno_such_module\nThing\n.")
    request = CreateFlowRunRequest(flow_run=FlowRun(flow_name="of others", parameters=unreadable))
    id = stored.client.call(stored.client.flow_runs.CreateFlowRun, request).flow_run.id
    cancel(stored.client, id)
    run = asyncio.run(wait_for_flow_run(id))
    assert (run.flow_name, run.state_name, run.parameters) == ("of others", "Cancelled", {})


def test_an_unknown_run(stored: Stored) -> None:
    with pytest.raises(ObjectNotFound, match="there is no flow run"):
        asyncio.run(wait_for_flow_run(MISSING))


def test_states_are_logged(stored: Stored, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "antiphon")
    id = made(stored.client)
    cancel(stored.client, id)
    asyncio.run(wait_for_flow_run(id, log_states=True))
    assert "is in state 'Cancelled'" in caplog.text


def test_a_server_that_is_killed_meanwhile(tmp_path: Path) -> None:
    first = ServerProcess(tmp_path).serving()
    settings = {"api_url": first.target, "client_reconnect_timeout_seconds": 3 * PATIENCE}
    with temporary_settings(settings), ServiceClient(first.target) as client:
        id = made(client)

        @flow
        async def waits() -> Any:
            return (await wait_for_flow_run(id, timeout=5 * PATIENCE)).state_name

        async def main() -> Any:
            waiting = asyncio.ensure_future(waits())
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done
            first.process.kill()
            first.wait()
            first.close()
            second = ServerProcess(tmp_path).serving()
            await asyncio.to_thread(client.reconnect, 3 * PATIENCE)
            await asyncio.to_thread(cancel, client, id)
            return await waiting, second

        name, second = asyncio.run(main())
        assert name == "Cancelled"
        registry.close_all()
        close_clients()
    second.end()
    second.close()
