"""Workers of the type docker, against an engine that checks each request."""

import asyncio
import itertools
from typing import Any

import pytest

from antiphon.blocks.docker import DockerRegistryCredentials
from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureError, InfrastructureNotAvailable, InfrastructureNotFound
from antiphon.workers.docker import DockerWorker, DockerWorkerJobConfiguration
from fake_docker import FakeDocker, away
from in_loop import in_loop
from told import running

IMAGE = "registry.example.com/team/flows:1"


def job(flow_run: FlowRun, fencing_token: int = 7, **variables: Any) -> DockerWorkerJobConfiguration:
    given = {"image": IMAGE, "env": {"ANTIPHON_API_URL": "grpc://server.example.com:4200"}, **variables}
    configuration = DockerWorkerJobConfiguration.model_validate(given)
    configuration.prepare_for_flow_run(flow_run, fencing_token=fencing_token)
    return configuration


class Impatient(DockerWorker):
    starting_seconds = 0.2
    unreachable_seconds = 0.5


@in_loop
async def test_a_container_runs_the_run(
    engine: FakeDocker, flow_run: FlowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(
        DockerWorker("pool"), flow_run, job(flow_run, env={"ANTIPHON_API_URL": "h:1", "A": "b=c"})
    ) as run:
        container = engine.running()
        assert run.pid == f"http+docker://localhost:{container.id}"
        assert container.name == "merry-otter"
        assert container.config["Image"] == IMAGE and engine.pulled == [IMAGE]
        assert container.config["Cmd"] == ["python", "-m", "antiphon.engine"]
        assert container.env["ANTIPHON__FLOW_RUN_ID"] == str(flow_run.id)
        assert (container.env["ANTIPHON__FENCING_TOKEN"], container.env["A"]) == ("7", "b=c")
        assert container.labels["io.antiphon.flow-run-id"] == str(flow_run.id)
        container.print("to stdout")
        container.print("to stderr", stream=2)
        container.exit(0)
        result = await run.end()
    assert (result.status_code, result.identifier, result.message) == (0, run.pid, "")
    assert capsys.readouterr().out.splitlines() == ["to stdout", "to stderr"]
    assert engine.containers == [container], "it stays unless auto_remove is set"


@in_loop
async def test_every_variable_comes_to_the_engine(engine: FakeDocker, flow_run: FlowRun) -> None:
    engine.networks = {"one", "two"}
    made = job(
        flow_run,
        command="python -c 'print(1)'",
        labels={"team": "blue"},
        name="a name/with:signs",
        networks=["one", "two"],
        volumes=["/here:/there:ro", "data:/data", "/anonymous"],
        mem_limit="128m",
        memswap_limit="1g",
        privileged=True,
        container_create_kwargs={"hostname": "boat", "extra_hosts": ["db:10.0.0.1"], "shm_size": "64m"},
        auto_remove=True,
    )
    async with running(DockerWorker("pool"), flow_run, made) as run:
        container = engine.running()
        host = container.config["HostConfig"]
        assert container.config["Cmd"] == ["python", "-c", "print(1)"]
        assert (container.name, container.labels["team"]) == ("a-name-with-signs", "blue")
        assert container.networks == ["one", "two"]
        assert host["Binds"] == ["/here:/there:ro", "data:/data", "/anonymous"]
        assert (host["Memory"], host["MemorySwap"], host["Privileged"]) == (128 * 2**20, 2**30, True)
        assert (container.config["Hostname"], host["ExtraHosts"], host["ShmSize"]) == (
            "boat",
            ["db:10.0.0.1"],
            64 * 2**20,
        )
        container.exit(0)
        await run.end()
    assert engine.containers == []


@in_loop
async def test_out_of_memory_is_said(engine: FakeDocker, flow_run: FlowRun) -> None:
    async with running(DockerWorker("pool"), flow_run, job(flow_run, mem_limit="64m")) as run:
        container = engine.running()
        container.print("loading all of it")
        container.exit(137, out_of_memory=True)
        result = await run.end()
    assert result.status_code == 137
    assert (
        result.message.startswith("Out of memory: ")
        and "limit of 64m" in result.message
        and "`mem_limit`" in result.message
    )
    assert result.message.endswith("loading all of it")


@pytest.mark.parametrize("stream_output", [True, False])
@in_loop
async def test_a_bad_end_comes_with_its_last_lines(
    engine: FakeDocker, flow_run: FlowRun, stream_output: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(
        DockerWorker("pool"), flow_run, job(flow_run, stream_output=stream_output, auto_remove=True)
    ) as run:
        container = engine.running()
        container.print("ModuleNotFoundError: No module named 'pandas'", stream=2)
        container.exit(1)
        result = await run.end()
    assert result.message == (
        "The container ended with exit code 1.\nThe last lines of its output:\n"
        "ModuleNotFoundError: No module named 'pandas'"
    )
    assert ("pandas" in capsys.readouterr().out) == stream_output
    assert engine.containers == [], "it is removed after its end was looked at"


@pytest.mark.parametrize(
    ("error", "step"),
    [
        ("late: manifest for x not found: manifest unknown", "Check the job variable `image`"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", "registry_credentials"),
        ("toomanyrequests: You have reached your pull rate limit", "limits pulls"),
        ("late: dial tcp: lookup registry.example.com: no such host", "Check the job variable `image`"),
        ("Get https://x/v2/: connect: connection refused", "reaches the registry"),
    ],
)
@in_loop
async def test_an_image_that_cannot_be_pulled_ends_it_at_once(
    engine: FakeDocker, flow_run: FlowRun, error: str, step: str
) -> None:
    engine.pull_errors[IMAGE] = error
    with pytest.raises(InfrastructureError, match="could not be pulled") as raised:
        await DockerWorker("pool").run(flow_run, job(flow_run))
    assert step in str(raised.value)
    assert engine.containers == []


@in_loop
async def test_pull_policies(engine: FakeDocker, flow_run: FlowRun) -> None:
    claims = itertools.count(1)

    async def pulls(**variables: Any) -> int:
        before = engine.requests.count("pull")
        async with running(DockerWorker("pool"), flow_run, job(flow_run, next(claims), **variables)):
            pass
        return engine.requests.count("pull") - before

    assert await pulls() == 1, "it was not there"
    assert await pulls() == 0, "a tag that says which"
    assert await pulls(image="team/flows") == 1
    assert await pulls(image="team/flows") == 1, "without a tag it may have changed"
    assert await pulls(image_pull_policy="Always") == 1
    assert await pulls(image_pull_policy="Never") == 0
    engine.pull_errors[IMAGE] = "connection refused"
    assert await pulls(image_pull_policy="IfPossible") == 1, "the one that is there will do"
    engine.images.clear()
    with pytest.raises(InfrastructureError, match="could not be pulled"):
        await pulls(image_pull_policy="IfPossible")
    with pytest.raises(InfrastructureError, match=r"There is no image .* Never"):
        await pulls(image_pull_policy="Never")


@in_loop
async def test_a_registry_is_logged_in_to(engine: FakeDocker, flow_run: FlowRun) -> None:
    login = DockerRegistryCredentials(username="me", password="secret", registry_url="registry.example.com")
    async with running(DockerWorker("pool"), flow_run, job(flow_run, registry_credentials=login.model_dump())):
        assert engine.logins == [{"username": "me", "password": "secret", "serveraddress": "registry.example.com"}]


@in_loop
async def test_a_command_that_is_not_there(engine: FakeDocker, flow_run: FlowRun) -> None:
    engine.start_error = 'OCI runtime create failed: exec: "python": executable file not found in $PATH'
    with pytest.raises(InfrastructureError, match="is it in the image, and is Antiphon installed there"):
        await DockerWorker("pool").run(flow_run, job(flow_run))
    assert engine.containers == [], "what could not start does not stay"


@in_loop
async def test_a_network_that_is_not_there(engine: FakeDocker, flow_run: FlowRun) -> None:
    with pytest.raises(InfrastructureError, match=r"Make the network, or correct .* \(nowhere\)"):
        await DockerWorker("pool").run(flow_run, job(flow_run, networks=["nowhere"]))


@in_loop
async def test_a_name_that_is_taken_gets_a_number(engine: FakeDocker, flow_run: FlowRun) -> None:
    for token, name in ((1, "merry-otter"), (2, "merry-otter-1"), (3, "merry-otter-2")):
        async with running(DockerWorker("pool"), flow_run, job(flow_run, token)):
            assert engine.containers[-1].name == name


@in_loop
async def test_no_engine() -> None:
    run = FlowRun(name="x", flow_id="0190e3a0-0000-7000-8000-000000000000")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        with pytest.raises(InfrastructureNotAvailable, match=r"No Docker engine answers.*set DOCKER_HOST"):
            await Impatient("pool").run(run, job(run))


@in_loop
async def test_kill_is_polite_first(engine: FakeDocker, flow_run: FlowRun) -> None:
    configuration = job(flow_run)
    async with running(DockerWorker("pool"), flow_run, configuration) as run:
        await DockerWorker("pool").kill_infrastructure(run.pid, configuration, grace_seconds=3)
        result = await run.end()
        assert engine.containers[0].signals == ["SIGTERM"]
        assert (result.status_code, result.message) == (143, "The container ended with exit code 143 (SIGTERM).")
        await DockerWorker("pool").kill_infrastructure(run.pid, configuration)


@in_loop
async def test_kill_is_not_polite_for_ever(engine: FakeDocker, flow_run: FlowRun) -> None:
    engine.stops_on_sigterm = False
    configuration = job(flow_run)
    async with running(DockerWorker("pool"), flow_run, configuration) as run:
        await DockerWorker("pool").kill_infrastructure(run.pid, configuration, grace_seconds=0)
        result = await run.end()
    assert engine.containers[0].signals == ["SIGTERM", "SIGKILL"]
    assert "exit code 137 (SIGKILL): it was killed" in result.message


@in_loop
async def test_kill_of_what_is_not_there(engine: FakeDocker, flow_run: FlowRun) -> None:
    worker = DockerWorker("pool")
    with pytest.raises(InfrastructureNotFound):
        await worker.kill_infrastructure("http+docker://localhost:abc", job(flow_run))
    with pytest.raises(InfrastructureNotAvailable, match=r"tcp://other:2375.*DOCKER_HOST"):
        await worker.kill_infrastructure("tcp://other:2375:abc", job(flow_run))


@in_loop
async def test_an_engine_that_is_restarted_while_a_container_is_made(
    engine: FakeDocker, flow_run: FlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, open_client = 0, DockerWorker._client

    async def counted(self: DockerWorker) -> Any:
        nonlocal tries
        tries += 1
        return await open_client(self)

    monkeypatch.setattr(DockerWorker, "_client", counted)
    with away(engine):
        running_it = asyncio.ensure_future(DockerWorker("pool").run(flow_run, job(flow_run)))
        while tries < 2:
            await asyncio.sleep(0.01)
    with engine.held("create") as create:
        await asyncio.to_thread(create.wait, 60)
        engine.http.down()
    engine.http.up()
    container = await asyncio.to_thread(engine.running)
    container.exit(0)
    assert (await running_it).status_code == 0
    assert engine.containers == [container], "the answer was lost, and the container was found"


@in_loop
async def test_an_engine_that_goes_away_and_comes_back(
    engine: FakeDocker, flow_run: FlowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(DockerWorker("pool"), flow_run, job(flow_run)) as run:
        container = engine.running()
        container.print("before")
        await asyncio.to_thread(engine.wait_for, "logs")
        with away(engine):
            container.print("meanwhile")
        await asyncio.to_thread(engine.wait_for, "logs", 2)
        container.print("after")
        container.exit(3)
        result = await run.end()
    assert result.status_code == 3
    assert capsys.readouterr().out.splitlines() == ["before", "meanwhile", "after"]


@in_loop
async def test_an_engine_that_stays_away(engine: FakeDocker, flow_run: FlowRun) -> None:
    async with running(Impatient("pool"), flow_run, job(flow_run)) as run:
        engine.running()
        with away(engine), pytest.raises(InfrastructureError, match=r"not answered for 0.5 seconds.*may still run"):
            await run.end()


@in_loop
async def test_a_container_that_somebody_removes(engine: FakeDocker, flow_run: FlowRun) -> None:
    async with running(DockerWorker("pool"), flow_run, job(flow_run)) as run:
        container = engine.running()
        await asyncio.to_thread(engine.wait_for, "wait")
        with engine.changed:
            engine.containers.remove(container)
            container.exit(137)
        result = await run.end()
    assert (result.status_code, engine.containers) == (137, [])


@in_loop
async def test_a_claim_has_one_container(engine: FakeDocker, flow_run: FlowRun) -> None:
    """A worker that went away before it said what it had started finds it again."""
    async with running(DockerWorker("pool"), flow_run, job(flow_run)) as first:
        pass
    async with running(DockerWorker("pool"), flow_run, job(flow_run)) as second:
        assert second.pid == first.pid
        engine.running().exit(0)
        assert (await second.end()).status_code == 0
    async with running(DockerWorker("pool"), flow_run, job(flow_run, fencing_token=8)) as third:
        assert third.pid != first.pid, "another claim"


@in_loop
async def test_cancelled_before_it_started_it_leaves_nothing(engine: FakeDocker, flow_run: FlowRun) -> None:
    with engine.held("start") as start:
        task = asyncio.ensure_future(DockerWorker("pool").run(flow_run, job(flow_run)))
        await asyncio.to_thread(start.wait)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.containers == []


def test_twenty_at_once(engine: FakeDocker) -> None:
    """No container waits for a thread of another."""

    async def all_of_them() -> None:
        runs = [FlowRun(name=f"run-{n}", flow_id="0190e3a0-0000-7000-8000-000000000000") for n in range(20)]
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(DockerWorker("pool").run(each, job(each))) for each in runs]
            for n in range(20):
                await asyncio.to_thread(engine.running, n)
            for container in list(engine.containers):
                container.exit(0)
        assert [each.result().status_code for each in ends] == [0] * 20

    asyncio.run(all_of_them())
