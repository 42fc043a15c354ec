"""The two faces of the client."""

import asyncio
import inspect
import time
from pathlib import Path
from uuid import uuid4

import pytest

import antiphon.client
from antiphon import flow, get_client
from antiphon.client.operation import operation
from antiphon.client.orchestration import AntiphonClient, SyncAntiphonClient
from antiphon.exceptions import ObjectNotFound, ServerUnreachable
from antiphon.settings import temporary_settings
from running_server import RunningServer
from stored import Stored

OPERATIONS = [name for name, each in inspect.getmembers(AntiphonClient) if isinstance(each, operation)]


def test_each_operation_has_two_faces(stored: Stored) -> None:
    assert len(OPERATIONS) > 50
    for name in OPERATIONS:
        awaited, blocking = getattr(get_client(), name), getattr(get_client(sync_client=True), name)
        assert inspect.iscoroutinefunction(awaited) and not inspect.iscoroutinefunction(blocking), name
        assert awaited.__name__ == blocking.__name__ == name
        assert awaited.__doc__ and inspect.signature(awaited) == inspect.signature(blocking)
        assert "self" not in inspect.signature(awaited).parameters
        assert getattr(AntiphonClient, name).__doc__ == awaited.__doc__


def test_an_async_client_is_awaited(stored: Stored) -> None:
    async def ask() -> str:
        async with get_client() as client:
            assert isinstance(client, AntiphonClient)
            return await client.api_version()

    assert asyncio.run(ask()) == get_client(sync_client=True).client_version()


def test_a_sync_client_blocks_also_where_a_loop_runs(stored: Stored) -> None:
    async def ask() -> str:
        with get_client(sync_client=True) as client:
            assert isinstance(client, SyncAntiphonClient)
            return client.api_version()

    assert asyncio.run(ask())


def test_many_calls_at_once_share_one_loop(stored: Stored) -> None:
    async def ask() -> set[str]:
        async with get_client() as client:
            return set(await asyncio.gather(*(client.api_version() for _ in range(50))))

    assert len(asyncio.run(ask())) == 1


def test_a_client_works_inside_of_flows(stored: Stored) -> None:
    @flow
    def sync_flow() -> str:
        with get_client(sync_client=True) as client:
            return client.create_flow_run(sync_flow, name="made inside").name

    @flow
    async def async_flow() -> str:
        async with get_client() as client:
            return (await client.create_flow_run(async_flow, name="made inside")).name

    assert sync_flow() == "made inside"
    assert asyncio.run(async_flow()) == "made inside"


def test_the_wrong_with_says_the_right_one(stored: Stored) -> None:
    with pytest.raises(RuntimeError, match=r"is used with `async with`.*get_client\(sync_client=True\)"), get_client():
        pass

    async def enter() -> None:
        async with get_client(sync_client=True):
            pass

    with pytest.raises(RuntimeError, match="is used with `with`"):
        asyncio.run(enter())


def test_settings_of_httpx_are_warned_of(stored: Stored) -> None:
    with pytest.warns(UserWarning, match="the client speaks gRPC"):
        get_client(httpx_settings={"timeout": 3})


def test_a_client_of_another_server(stored: Stored, tmp_path_factory: pytest.TempPathFactory) -> None:
    with RunningServer(tmp_path_factory.mktemp("other")) as other:
        with SyncAntiphonClient(other.target) as client:
            assert client.api_url == other.target
            made = client.create_flow_from_name("only there")
            assert client.read_flow(made).name == "only there"
        with get_client(sync_client=True) as ours, pytest.raises(ObjectNotFound):
            ours.read_flow(made)


def test_no_server(tmp_path: Path) -> None:
    nobody = {"api_url": f"unix:{tmp_path}/nobody", "home": tmp_path}
    with temporary_settings(nobody), get_client(sync_client=True) as client:
        with pytest.raises(ServerUnreachable, match="No server answers"):
            client.read_flows()
        problem = client.api_healthcheck()
    assert isinstance(problem, ServerUnreachable)


def test_nobody_at_a_target_of_its_own_is_told_at_once(tmp_path: Path) -> None:
    # With settings that would start the embedded server.
    with (
        temporary_settings({"api_url": None, "home": tmp_path}),
        SyncAntiphonClient(f"unix:{tmp_path}/nobody") as client,
    ):
        start = time.monotonic()
        with pytest.raises(ServerUnreachable, match="No server answers at"):
            client.read_flows()
        assert time.monotonic() - start < 10


def test_an_id_that_is_none(stored: Stored) -> None:
    with get_client(sync_client=True) as client:
        with pytest.raises(ValueError, match=r"flow_run_id is a UUID, .*, not 'nonsense'"):
            client.read_flow_run("nonsense")
        with pytest.raises(ObjectNotFound) as caught:
            client.read_flow_run(str(uuid4()).upper())
    assert caught.value.reason == "FLOW_RUN_NOT_FOUND"


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = antiphon.client.nonsense
    assert antiphon.client.schemas.objects.State is not None
