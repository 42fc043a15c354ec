"""Every task runner there is, for tests that all of them must pass."""

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from antiphon.runners.on_dask import without_profiler
from antiphon.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner
from tools_needed import need_extra

MakeRunner: TypeAlias = Callable[[], TaskRunner]


@pytest.fixture(scope="session")
def dask_cluster() -> Iterator[Any]:
    """Two workers."""
    need_extra("distributed", "dask")
    from distributed import LocalCluster  # noqa: PLC0415 - an optional extra

    with (
        without_profiler(),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="session")
def ray_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two workers. Started from outside: the servers of tests that run in this process are in the way of forks."""
    need_extra("ray", "ray")
    # Ray asks who connects to show a token. This one is made for this cluster, and ends with it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        yield from _ray_cluster(tmp_path_factory.mktemp("ray") / "log")


def _ray_cluster(log: Path) -> Iterator[str]:
    import ray  # noqa: PLC0415 - an optional extra

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}"]
    command += ["--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats"]
    address = f"{ray.util.get_node_ip_address()}:{port}"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as head:
        try:
            _connect(ray, address, head)
            yield address
        finally:
            ray.shutdown()
            head.terminate()


def _connect(ray: Any, address: str, head: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            ray.init(address=address, logging_level="ERROR", log_to_driver=False)
            return
        except Exception:
            if head.poll() is not None or time.monotonic() > deadline:
                raise


@pytest.fixture
def on_dask(dask_cluster: Any) -> MakeRunner:
    from antiphon_dask import DaskTaskRunner  # noqa: PLC0415 - an optional extra

    return lambda: DaskTaskRunner(cluster=dask_cluster)


@pytest.fixture
def on_ray(ray_address: str) -> MakeRunner:
    from antiphon_ray import RayTaskRunner  # noqa: PLC0415 - an optional extra

    return lambda: RayTaskRunner(address=ray_address)


@pytest.fixture(params=["processes", "dask", "ray"])
def remote(request: pytest.FixtureRequest) -> MakeRunner:
    """Makes a runner whose tasks run in other processes."""
    return _maker(request)


@pytest.fixture(params=["threads", "processes", "dask", "ray"])
def runner(request: pytest.FixtureRequest) -> MakeRunner:
    """Makes a runner of each kind, with two workers where it has any."""
    return _maker(request)


def _maker(request: pytest.FixtureRequest) -> MakeRunner:
    if request.param == "threads":
        return ThreadPoolTaskRunner
    if request.param == "processes":
        return lambda: ProcessPoolTaskRunner(max_workers=2)
    made: MakeRunner = request.getfixturevalue(f"on_{request.param}")
    return made
