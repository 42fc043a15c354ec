"""Workers of the type kubernetes, against an API server that checks each request."""

import asyncio
from typing import Any

import pytest

from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureNotFound
from antiphon.workers.kubernetes import KubernetesWorker
from fake_kubernetes import FakeKubernetes
from in_loop import in_loop
from kubernetes_runs import IMAGE, SERVER, job, started
from told import running
from until import until


@in_loop
async def test_a_job_runs_the_run(
    cluster: FakeKubernetes, flow_run: FlowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(cluster, flow_run) as (run, pod):
        (made,) = cluster.jobs()
        name = made["metadata"]["name"]
        assert name.startswith("merry-otter-") and run.pid == f"default:{name}"
        container = pod.container
        assert (container["name"], container["image"]) == ("antiphon-job", IMAGE)
        assert container["args"] == ["python", "-m", "antiphon.engine"]
        env = {each["name"]: each["value"] for each in container["env"]}
        assert env["ANTIPHON__FLOW_RUN_ID"] == str(flow_run.id)
        assert (env["ANTIPHON__FENCING_TOKEN"], env["ANTIPHON_API_URL"]) == ("7", SERVER["ANTIPHON_API_URL"])
        for labels in (made["metadata"]["labels"], pod.body["metadata"]["labels"]):
            assert labels["antiphon.io/flow-run-id"] == str(flow_run.id)
            assert labels["antiphon.io/worker-name"] == "w"
            assert labels["app.kubernetes.io/managed-by"] == "antiphon"
        assert made["spec"]["backoffLimit"] == 0
        assert made["spec"]["template"]["spec"]["restartPolicy"] == "Never"
        assert "ttlSecondsAfterFinished" not in made["spec"] and "resources" not in container
        pod.running()
        pod.print("hello")
        pod.print("world")
        pod.finish(0)
        result = await run.end()
    assert (result.status_code, result.identifier, result.message) == (0, run.pid, "")
    assert capsys.readouterr().out.splitlines() == ["hello", "world"]


@in_loop
async def test_every_variable_comes_to_the_job(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    variables: dict[str, Any] = {
        "namespace": "flows",
        "name": "Été: a very long name, " * 5,
        "command": "python -c 'print(1)'",
        "labels": {"team": "blue & green", "example.com/Who Is It?": "me"},
        "annotations": {"note": "any text: at all!"},
        "service_account_name": "runner",
        "image_pull_policy": "Always",
        "backoff_limit": 2,
        "finished_job_ttl": 60,
        "cpu_request": "500m",
        "cpu_limit": "2",
        "memory_request": "128Mi",
        "memory_limit": "1Gi",
        "env": {**SERVER, "A": "1", "GONE": None},
    }
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run, **variables)):
        (made,) = cluster.jobs("flows")
        spec, pod = made["spec"], made["spec"]["template"]["spec"]
        assert made["metadata"]["generateName"].startswith("t-a-very-long-name-t-a-very")
        assert made["metadata"]["labels"]["team"] == "blue-green"
        assert made["metadata"]["labels"]["example.com/Who-Is-It"] == "me"
        assert made["metadata"]["annotations"] == {"note": "any text: at all!", "team": "blue & green"}
        assert spec["template"]["metadata"]["annotations"]["note"] == "any text: at all!"
        assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (2, 60)
        assert (pod["serviceAccountName"], pod["containers"][0]["imagePullPolicy"]) == ("runner", "Always")
        assert pod["containers"][0]["args"] == ["python", "-c", "print(1)"]
        assert pod["containers"][0]["resources"] == {
            "requests": {"cpu": "500m", "memory": "128Mi"},
            "limits": {"cpu": "2", "memory": "1Gi"},
        }
        names = [each["name"] for each in pod["containers"][0]["env"]]
        assert "A" in names and "GONE" not in names


@in_loop
async def test_out_of_memory_is_said(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with started(cluster, flow_run, memory_limit="64Mi") as (run, pod):
        pod.running()
        pod.print("loading all of it")
        pod.finish(137, reason="OOMKilled")
        result = await run.end()
    assert result.status_code == 137
    assert result.message.startswith("Out of memory: the container antiphon-job used more than its limit of 64Mi")
    assert result.message.endswith("loading all of it")


@in_loop
async def test_eviction_is_said(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with started(cluster, flow_run) as (run, pod):
        pod.running()
        pod.status(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
        result = await run.end()
    assert result.status_code != 0
    assert "evicted from its node: The node was low on resource: memory. " in result.message
    assert "`memory_request`" in result.message


@pytest.mark.parametrize("stream_output", [True, False])
@in_loop
async def test_a_bad_end_comes_with_its_last_lines(
    cluster: FakeKubernetes, flow_run: FlowRun, stream_output: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(cluster, flow_run, stream_output=stream_output) as (run, pod):
        pod.running()
        pod.print("ModuleNotFoundError: No module named 'pandas'")
        pod.finish(1)
        result = await run.end()
    assert result.message == (
        "The container antiphon-job ended with exit code 1.\nThe last lines of its output:\n"
        "ModuleNotFoundError: No module named 'pandas'"
    )
    assert ("pandas" in capsys.readouterr().out) == stream_output


@pytest.mark.parametrize(
    ("reason", "message", "said"),
    [
        ("ErrImagePull", "manifest unknown: manifest unknown", "could not be pulled (ErrImagePull)"),
        ("ImagePullBackOff", 'Back-off pulling image "x"', "Check the job variable `image`"),
        ("ErrImagePull", "pull access denied: unauthorized", "`imagePullSecrets`"),
        ("InvalidImageName", "couldn't parse image", "Correct the job variable `image`"),
        ("ErrImageNeverPull", "", "`image_pull_policy` is Never"),
        ("CreateContainerConfigError", 'secret "keys" not found', "Make it in the namespace of the job"),
        ("RunContainerError", "executable file not found in $PATH", "is Antiphon installed there"),
    ],
)
@in_loop
async def test_a_pod_that_cannot_start_ends_it_at_once(
    cluster: FakeKubernetes, flow_run: FlowRun, reason: str, message: str, said: str
) -> None:
    async with started(cluster, flow_run) as (run, pod):
        pod.waiting(reason, message)
        result = await run.end()
    assert result.status_code == -1 and said in result.message
    assert cluster.jobs() == [], "it would start later, and nobody wants that"


@in_loop
async def test_a_pull_that_may_yet_succeed_is_waited_for(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with started(cluster, flow_run) as (run, pod):
        pod.waiting("ErrImagePull", "connection reset by peer")
        pod.running()
        pod.finish(0)
        assert (await run.end()).status_code == 0


@in_loop
async def test_a_pod_that_no_node_takes(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.no_nodes = "0/3 nodes are available: 3 Insufficient memory."
    result = await KubernetesWorker("pool").run(flow_run, await job(flow_run, pod_watch_timeout_seconds=1))
    assert f"No node has taken the pod within 1 seconds: {cluster.no_nodes}" in result.message
    assert "`pod_watch_timeout_seconds`" in result.message
    assert cluster.jobs() == []


@in_loop
async def test_a_job_that_gets_no_pod(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.no_pods = 'Error creating: serviceaccount "runner" not found'
    result = await KubernetesWorker("pool").run(flow_run, await job(flow_run, pod_watch_timeout_seconds=1))
    assert "got no pod within 1 seconds" in result.message
    assert f"FailedCreate: {cluster.no_pods}" in result.message


@in_loop
async def test_a_job_that_takes_too_long(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    result = await KubernetesWorker("pool").run(flow_run, await job(flow_run, job_watch_timeout_seconds=1))
    assert "within the 1 seconds of the job variable `job_watch_timeout_seconds`" in result.message
    assert cluster.jobs() == []


@in_loop
async def test_a_node_that_is_lost(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with started(cluster, flow_run) as (run, pod):
        pod.running()
        pod.status(phase="Running", reason="NodeLost", message="Node n1 which was running pod is unresponsive")
        result = await run.end()
    assert "was lost: nothing is heard of it" in result.message
    assert cluster.jobs() == []


@in_loop
async def test_a_job_that_somebody_deletes(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with started(cluster, flow_run) as (run, pod):
        pod.running()
        cluster.delete_pod("default", pod.name)
        cluster.store.delete("jobs", "default", cluster.jobs()[0]["metadata"]["name"])
        result = await run.end()
    assert (result.status_code, result.message) == (-1, "The job was deleted, by somebody or by a cancellation.")


@in_loop
async def test_another_pod_where_kubernetes_may_make_one(
    cluster: FakeKubernetes, flow_run: FlowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(cluster, flow_run, backoff_limit=1) as (run, pod):
        pod.running()
        pod.print("first")
        pod.finish(1)
        second = cluster.pod(1)
        second.running()
        second.print("second")
        second.finish(0)
        assert (await run.end()).status_code == 0
    assert sorted(capsys.readouterr().out.splitlines()) == ["first", "second"]


@in_loop
async def test_kill(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    configuration = await job(flow_run)
    async with running(KubernetesWorker("pool"), flow_run, configuration) as run:
        cluster.pod().running()
        await KubernetesWorker("pool").kill_infrastructure(run.pid, configuration, grace_seconds=3)
        result = await run.end()
        assert "deleted" in result.message and cluster.jobs() == []
        assert cluster.store.all("pods", "default") == []
        with pytest.raises(InfrastructureNotFound):
            await KubernetesWorker("pool").kill_infrastructure(run.pid, configuration)


@in_loop
async def test_what_is_killed_has_its_grace(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.deletes_pods = False
    configuration = await job(flow_run)
    async with running(KubernetesWorker("pool"), flow_run, configuration) as run:
        pod = cluster.pod()
        pod.running()
        killing = asyncio.ensure_future(KubernetesWorker("pool").kill_infrastructure(run.pid, configuration, 3))
        await asyncio.to_thread(until, lambda: pod.body["metadata"].get("deletionGracePeriodSeconds") == 3)
        assert not run.ending.done() and not killing.done(), "the pod still ends"
        cluster.delete_pod("default", pod.name)
        await killing
        assert "deleted" in (await run.end()).message


@in_loop
async def test_what_does_not_end_is_taken_out_by_force(
    cluster: FakeKubernetes, flow_run: FlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.workers.kubernetes.killing.NODE_SECONDS", 0.2)
    cluster.deletes_pods = False
    configuration = await job(flow_run)
    async with running(KubernetesWorker("pool"), flow_run, configuration) as run:
        cluster.pod().running()
        await KubernetesWorker("pool").kill_infrastructure(run.pid, configuration, grace_seconds=0)
        assert cluster.store.all("pods", "default") == []
        await run.end()
