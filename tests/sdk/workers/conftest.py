"""Fake runtimes, and what their workers are given."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from antiphon.client.schemas.objects import FlowRun
from fake_docker import FakeDocker
from fake_kubernetes import FakeKubernetes


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
        yield engine
        assert not engine.wrong, "requests that the API does not take"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKubernetes]:
    """A Kubernetes cluster that the worker uses, by a kubeconfig file."""
    with FakeKubernetes() as cluster:
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        monkeypatch.setattr(
            "kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
            str(cluster.write_kubeconfig(tmp_path)),
        )
        yield cluster
        assert not cluster.wrong, "requests that the API does not take"
