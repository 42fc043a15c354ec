"""Workers of the type kubernetes, and an API server that goes away, forgets, refuses, or loses its answers."""

import asyncio

import pytest

from antiphon.blocks.kubernetes import KubernetesClusterConfig
from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureError
from antiphon.settings import temporary_settings
from antiphon.types import SecretDict
from antiphon.workers.kubernetes import KubernetesWorker
from antiphon.workers.kubernetes.clusters import Clusters
from fake_kubernetes import FakeKubernetes
from in_loop import in_loop
from kubernetes_runs import SERVER, job, started
from told import running


class Impatient(KubernetesWorker):
    unreachable_seconds = 0.5


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
        # Not after the end, for which the pods may be listed once more: two watches do not tell in one order.
        assert cluster.requests.count(("list", "pods")) == 1, "they go on where they were"
        pod.running()
        pod.finish(0)
        assert (await run.end()).status_code == 0


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
        with pytest.raises(InfrastructureError, match=r"did not watch pods: pods is forbidden.*a RoleBinding"):
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
