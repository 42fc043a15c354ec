"""A server, fake runtimes, and what their workers are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from antiphon.client.schemas.objects import FlowRun
from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from fake_docker import FakeDocker
from fake_kubernetes import FakeKubernetes
from running_server import RunningServer
from work_site import WorkSite, site_of


@contextmanager
def without_server(home: Path) -> Iterator[None]:
    """What a worker says of its runs goes to no server, and the embedded one is not started for it."""
    settings = with_changes(get_current_settings(), {"home": home, "logging.to_api.enabled": False})
    with settings_of_process(settings):
        yield


@pytest.fixture
def flow_run() -> FlowRun:
    """A run that somebody has claimed."""
    return FlowRun(id=uuid4(), name="merry-otter", flow_id=uuid4())


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDocker]:
    """A Docker engine that the worker uses."""
    with FakeDocker(tmp_path) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        # Logins of whoever runs the tests are none of its.
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        with without_server(tmp_path):
            yield engine
        assert not engine.wrong, "requests that the API does not take"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKubernetes]:
    """A Kubernetes cluster that the worker uses, by a kubeconfig file."""
    with FakeKubernetes(tmp_path) as cluster:
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        monkeypatch.setattr(
            "kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
            str(cluster.write_kubeconfig()),
        )
        with without_server(tmp_path):
            yield cluster
        assert not cluster.wrong, "requests that the API does not take"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WorkSite]:
    """A server of the test's own, whose leases are short."""
    home = tmp_path / "server"
    home.mkdir()
    with RunningServer(home, session_ttl=3.0) as server, site_of(server, tmp_path) as made:
        yield made
