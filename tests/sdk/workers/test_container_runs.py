"""Runs of deployments through workers of the types docker and kubernetes, from RunDeployment to their end: a real
server, real workers, and runtimes of the test that start the command of a container as a process of this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from antiphon.blocks.docker import DockerRegistryCredentials
from antiphon.blocks.kubernetes import KubernetesClusterConfig
from antiphon.workers.docker import DockerWorker
from antiphon.workers.kubernetes import KubernetesWorker
from fake_docker import FakeDocker
from fake_kubernetes import FakeKubernetes
from until import until
from work_site import PATIENCE, WorkerThread, WorkSite

pytestmark = pytest.mark.timeout(150)

IMAGE = "registry.example.com/team/flows:1"


class Dock:
    """A pool, a worker of it, and what its runs run in."""

    def __init__(self, site: WorkSite, kind: str, worker: Callable[[str], Any], variables: dict[str, Any]) -> None:
        self.site, self._worker, self._variables = site, worker, variables
        site.pool("containers", type=kind)

    @contextmanager
    def worker(self) -> Iterator[WorkerThread]:
        """A worker at work."""
        thread = WorkerThread(self._worker("containers"))
        try:
            until(lambda: thread.worker.id is not None or thread.error is not None, PATIENCE)
            yield thread
        finally:
            thread.end()

    def run(self, **variables: Any) -> str:
        """The id of a new run; variables of the environment are added."""
        variables["env"] = {**self._variables.get("env", {}), **variables.get("env", {})}
        deployment = self.site.deploy(pool="containers", jobVariables={**self._variables, **variables})
        return self.site.run(deployment)


def _docker(site: WorkSite, engine: FakeDocker) -> Dock:
    engine.run_commands = True
    # The socket of the server, where the container sees it too.
    folder = str(Path(site.server.socket).parent)
    return Dock(site, "docker", DockerWorker, {"image": IMAGE, "volumes": [f"{folder}:{folder}"]})


def _kubernetes(site: WorkSite, cluster: FakeKubernetes) -> Dock:
    cluster.run_commands = True
    return Dock(site, "kubernetes", KubernetesWorker, {"image": IMAGE, "env": {"ANTIPHON_API_URL": site.server.target}})


@pytest.fixture(params=["docker", "kubernetes"])
def dock(request: pytest.FixtureRequest, site: WorkSite) -> Dock:
    """Both, in turn."""
    if request.param == "docker":
        return _docker(site, request.getfixturevalue("engine"))
    return _kubernetes(site, request.getfixturevalue("cluster"))


def test_a_run_completes(dock: Dock) -> None:
    dock.site.write("""
    import os
    from antiphon import flow, task

    @task
    def double(x):
        return 2 * x

    @flow
    def work():
        mark(os.environ["COLOUR"])
        print("from inside")
        return double(4)
    """)
    with dock.worker():
        run = dock.run(env={"COLOUR": "green"})
        ended = dock.site.ended(run)
        assert ended.state.name == "Completed", ended.state.message
    assert dock.site.marks == ["green"]
    assert dock.site.states(run) == ["Scheduled", "Pending", "Running", "Completed"]
    assert ended.infrastructure_pid.startswith(("http+docker://localhost:", "default:"))


def test_what_cannot_begin_says_why(dock: Dock) -> None:
    dock.site.write("x = 1")
    with dock.worker():
        ended = dock.site.ended(dock.run())
    assert ended.state.name in ("Crashed", "Failed")
    assert "work" in ended.state.message


def test_what_ends_before_it_begins_says_how(dock: Dock) -> None:
    dock.site.write("x = 1")
    with dock.worker():
        ended = dock.site.ended(dock.run(command="python -c 'print(\"no boat today\"); raise SystemExit(3)'"))
    assert ended.state.name == "Crashed"
    assert "exit code 3" in ended.state.message and "no boat today" in ended.state.message


def test_what_does_not_begin_can_be_cancelled(dock: Dock) -> None:
    dock.site.write("x = 1")
    code = f"open({str(dock.site.folder / 'marks')!r}, 'w').write('up'); import time; time.sleep(600)"
    with dock.worker():
        run = dock.run(command=f'python -c "{code}"')
        until(lambda: dock.site.marks == ["up"], PATIENCE)
        dock.site.call("CancelFlowRun", {"id": run})
        assert dock.site.ended(run).state.name == "Cancelled"


def test_no_image_is_said(dock: Dock) -> None:
    dock.site.write("x = 1")
    with dock.worker():
        ended = dock.site.ended(dock.run(image=None))
    assert ended.state.name == "Crashed"
    assert "No image is named" in ended.state.message


def test_a_block_says_how_to_log_in_to_the_registry(site: WorkSite, engine: FakeDocker) -> None:
    site.write("from antiphon import flow\n@flow\ndef work(): ...")
    dock = _docker(site, engine)
    DockerRegistryCredentials(username="me", password=SecretStr("secret"), registry_url="r.example.com").save("mine")
    with dock.worker():
        run = dock.run(registry_credentials="{{ antiphon.blocks.docker-registry-credentials.mine }}")
        assert site.ended(run).state.name == "Completed"
    assert engine.logins == [{"username": "me", "password": "secret", "serveraddress": "r.example.com"}]


def test_a_block_says_which_cluster(site: WorkSite, cluster: FakeKubernetes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/nowhere")
    site.write("from antiphon import flow\n@flow\ndef work(): ...")
    dock = _kubernetes(site, cluster)
    KubernetesClusterConfig.from_file(cluster.write_kubeconfig()).save("mine")
    with dock.worker():
        run = dock.run(cluster_config="{{ antiphon.blocks.kubernetes-cluster-config.mine }}")
        ended = site.ended(run)
        assert ended.state.name == "Completed", ended.state.message
