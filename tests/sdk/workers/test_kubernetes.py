"""Workers of the type kubernetes, against an API server that checks each request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon.blocks.kubernetes import KubernetesClusterConfig
from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureError, InfrastructureNotFound
from antiphon.settings import temporary_settings
from antiphon.types import SecretDict
from antiphon.workers.kubernetes import KubernetesWorker, KubernetesWorkerJobConfiguration
from antiphon.workers.kubernetes.clusters import Clusters
from fake_kubernetes import FakeKubernetes, Pod
from in_loop import in_loop
from told import Running, running
from until import until

IMAGE = "registry.example.com/team/flows:1"
SERVER = {"ANTIPHON_API_URL": "grpc://antiphon.flows.svc:4200"}


async def job(flow_run: FlowRun, fencing_token: int = 7, **variables: Any) -> KubernetesWorkerJobConfiguration:
    """As a pool makes it that has the type's own template."""
    given = {"image": IMAGE, "env": SERVER, **variables}
    template = KubernetesWorker.get_default_base_job_template()
    configuration = await KubernetesWorkerJobConfiguration.from_template_and_values(template, given)
    configuration.prepare_for_flow_run(flow_run, worker_name="w", fencing_token=fencing_token)
    return configuration


class Impatient(KubernetesWorker):
    unreachable_seconds = 0.5


@contextlib.asynccontextmanager
async def started(cluster: FakeKubernetes, flow_run: FlowRun, **variables: Any) -> AsyncIterator[tuple[Running, Pod]]:
    """A run whose pod is there, and where both are watched."""
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run, **variables)) as run:
        await asyncio.to_thread(cluster.wait_for, "watch", "jobs")
        await asyncio.to_thread(cluster.wait_for, "watch", "pods")
        yield run, cluster.pod()


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


@in_loop
async def test_an_api_server_that_goes_away_and_comes_back(
    cluster: FakeKubernetes, flow_run: FlowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(cluster, flow_run) as (run, pod):
        pod.running()
        pod.print("before")
        await asyncio.to_thread(cluster.wait_for, "log", "pods")
        cluster.http.down()
        pod.print("meanwhile")
        cluster.http.up()
        await asyncio.to_thread(cluster.wait_for, "log", "pods", 2)
        pod.print("after")
        pod.finish(3)
        result = await run.end()
    assert result.status_code == 3
    assert capsys.readouterr().out.splitlines() == ["before", "meanwhile", "after"]


@in_loop
async def test_an_api_server_that_has_forgotten(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    """The watch of old cannot go on (410 Gone), and what happened meanwhile is in the list."""
    async with started(cluster, flow_run) as (run, pod):
        cluster.http.down()
        pod.running()
        pod.finish(5)
        cluster.store.compact()
        cluster.http.up()
        assert (await run.end()).status_code == 5
    assert cluster.requests.count(("list", "pods")) >= 2


@in_loop
async def test_watches_that_end(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with started(cluster, flow_run) as (run, pod):
        for count in (2, 3):
            cluster.end_watches()
            await asyncio.to_thread(cluster.wait_for, "watch", "pods", count)
        pod.running()
        pod.finish(0)
        assert (await run.end()).status_code == 0
    assert cluster.requests.count(("list", "pods")) == 1, "they go on where they were"


@in_loop
async def test_an_api_server_that_stays_away(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with running(Impatient("pool"), flow_run, await job(flow_run)) as run:
        await asyncio.to_thread(cluster.wait_for, "watch", "jobs")
        cluster.http.down()
        with pytest.raises(InfrastructureError, match=r"not answered for 0.5 seconds.*may still run"):
            await run.end()


@in_loop
async def test_an_answer_that_is_lost_makes_no_second_job(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.lost_answers.append(("create", "jobs"))
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run)):
        assert len(cluster.jobs()) == 1
        assert cluster.lost_answers == []


@in_loop
async def test_a_claim_has_one_job(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    """A worker that went away before it said what it had started finds it again."""
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run)) as first:
        pass
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run)) as second:
        assert second.pid == first.pid
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run, fencing_token=8)) as third:
        assert third.pid != first.pid


@pytest.mark.parametrize(
    ("status", "reason", "message", "step"),
    [
        (403, "Forbidden", 'jobs.batch is forbidden: User "w" cannot create', "a Role and a RoleBinding"),
        (403, "Forbidden", "exceeded quota: compute", "Raise the quota"),
        (422, "Invalid", "spec.template: Invalid value", "Mend the job variables"),
        (409, "AlreadyExists", 'jobs "fixed" already exists', "take it out"),
    ],
)
@in_loop
async def test_a_job_that_is_refused(
    cluster: FakeKubernetes, flow_run: FlowRun, status: int, reason: str, message: str, step: str
) -> None:
    cluster.refusals["create", "jobs"] = (status, reason, message)
    with pytest.raises(InfrastructureError) as raised:
        await KubernetesWorker("pool").run(flow_run, await job(flow_run))
    assert message in str(raised.value) and step in str(raised.value)


@in_loop
async def test_a_namespace_that_is_not_there(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    with pytest.raises(InfrastructureError, match="Make the namespace nowhere"):
        await KubernetesWorker("pool").run(flow_run, await job(flow_run, namespace="nowhere"))


@in_loop
async def test_a_field_that_is_misspelt_is_told(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    configuration = await job(flow_run)
    configuration.job_manifest["spec"]["template"]["spec"]["restartPolcy"] = "Never"
    with pytest.raises(InfrastructureError, match=r'unknown field "spec.template.spec.restartPolcy"'):
        await KubernetesWorker("pool").run(flow_run, configuration)
    assert len(cluster.wrong) == 1
    cluster.wrong.clear()


@in_loop
async def test_a_server_with_trouble_is_asked_again(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.refusals["create", "jobs"] = (503, "ServiceUnavailable", "etcd has no leader")
    ending = asyncio.ensure_future(KubernetesWorker("pool").run(flow_run, await job(flow_run)))
    await asyncio.to_thread(cluster.wait_for, "create", "jobs", 2)
    cluster.refusals.clear()
    pod = await asyncio.to_thread(cluster.pod)
    pod.running()
    pod.finish(0)
    assert (await ending).status_code == 0


@in_loop
async def test_the_environment_in_a_secret(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    env = {**SERVER, "PASSWORD": "hunter2"}
    with temporary_settings({"integrations.kubernetes.worker.store_env_as_secret": True}):
        async with running(KubernetesWorker("pool"), flow_run, await job(flow_run, env=env)):
            (secret,), (made,) = cluster.store.all("secrets", "default"), cluster.jobs()
            assert "hunter2" not in str(made)
            assert secret["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"], "it goes with its job"
            variables = {each["name"]: each for each in cluster.pod().container["env"]}
            reference = variables["PASSWORD"]["valueFrom"]["secretKeyRef"]
            assert reference == {"name": secret["metadata"]["name"], "key": "PASSWORD"}
            assert variables["ANTIPHON__FLOW_RUN_ID"]["value"] == str(flow_run.id)
        # Another worker takes the claim on.
        async with running(KubernetesWorker("pool"), flow_run, await job(flow_run, env=env)):
            assert len(cluster.jobs()) == 1
        cluster.refusals["create", "jobs"] = (422, "Invalid", "no")
        with pytest.raises(InfrastructureError):
            await KubernetesWorker("pool").run(flow_run, await job(flow_run, fencing_token=8, env=env))
        assert len(cluster.store.all("secrets", "default")) == 1, "a secret without a job is of no use"


@in_loop
async def test_a_cluster_of_a_block(
    cluster: FakeKubernetes, flow_run: FlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/nowhere")
    with pytest.raises(InfrastructureError, match=r"No Kubernetes cluster is known here.*cluster_config"):
        await KubernetesWorker("pool").run(flow_run, await job(flow_run))
    block = KubernetesClusterConfig(config=SecretDict(cluster.kubeconfig), context_name="test")
    with_block = await job(flow_run)
    with_block.cluster_config = block
    async with running(KubernetesWorker("pool"), flow_run, with_block) as run:
        assert run.pid.startswith("default:")


@in_loop
async def test_a_token_that_is_replaced_is_read_anew(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    async with KubernetesWorker("pool") as worker, running(worker, flow_run, await job(flow_run)) as run:
        await asyncio.to_thread(cluster.wait_for, "watch", "pods")
        cluster.token = "second"
        cluster.write_kubeconfig()
        cluster.end_watches()
        cluster.pod().running()
        cluster.pod().finish(0)
        assert (await run.end()).status_code == 0


@in_loop
async def test_each_cluster_is_opened_once(cluster: FakeKubernetes) -> None:
    clusters = Clusters(10)
    block = KubernetesClusterConfig(config=SecretDict(cluster.kubeconfig), context_name="test")
    own, of_block = await clusters.get(None), await clusters.get(block)
    assert own is not of_block
    assert own is await clusters.get(None)
    assert of_block is await clusters.get(block.model_copy())
    await clusters.close()


@in_loop
async def test_a_worker_that_may_not_look(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.refusals["watch", "pods"] = (403, "Forbidden", 'pods is forbidden: User "w" cannot watch')
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run)) as run:
        with pytest.raises(
            InfrastructureError, match=r"did not watch pods: pods is forbidden.*a Role and a RoleBinding"
        ):
            await run.end()


@in_loop
async def test_cancelled_before_it_started_it_leaves_nothing(cluster: FakeKubernetes, flow_run: FlowRun) -> None:
    cluster.refusals["create", "jobs"] = (503, "ServiceUnavailable", "etcd has no leader")
    ending = asyncio.ensure_future(KubernetesWorker("pool").run(flow_run, await job(flow_run)))
    await asyncio.to_thread(cluster.wait_for, "create", "jobs")
    ending.cancel()
    cluster.refusals.clear()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert cluster.jobs() == []


def test_forty_at_once(cluster: FakeKubernetes) -> None:
    """Jobs do not keep each other from the API server."""

    async def all_of_them() -> None:
        async with KubernetesWorker("pool") as worker:
            await by(worker)

    async def by(worker: KubernetesWorker) -> None:
        runs = [FlowRun(name=f"run-{n}", flow_id="0190e3a0-0000-7000-8000-000000000000") for n in range(40)]
        async with asyncio.TaskGroup() as group:
            ends = [
                group.create_task(worker.run(each, await job(each, pod_watch_timeout_seconds=600))) for each in runs
            ]
            for n in range(40):
                pod = await asyncio.to_thread(cluster.pod, n)
                pod.running()
                pod.finish(0)
        assert [each.result().status_code for each in ends] == [0] * 40

    asyncio.run(all_of_them())
