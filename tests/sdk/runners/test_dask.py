"""What is particular to Dask."""

import asyncio
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.exceptions import MissingContextError
from antiphon.runners.extras import import_extra
from stored import Stored
from tools_needed import need_extra


@pytest.fixture(autouse=True)
def dask() -> Any:
    need_extra("distributed", "dask")
    return importlib.import_module("antiphon_dask")


def test_arguments_that_contradict_each_other(dask: Any) -> None:
    with pytest.raises(ValueError, match="cluster and address contradict each other"):
        dask.DaskTaskRunner(cluster=object(), address="tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="address and cluster_kwargs contradict each other"):
        dask.DaskTaskRunner(address="tcp://127.0.0.1:1", cluster_kwargs={"n_workers": 1})
    with pytest.raises(ValueError, match="`asynchronous` cannot be among client_kwargs"):
        dask.DaskTaskRunner(client_kwargs={"asynchronous": True})


def test_an_extra_that_is_not_installed() -> None:
    with pytest.raises(ImportError, match=r"'no_such_thing' is needed for this .* `pip install 'antiphon\[dask\]'`"):
        import_extra("no_such_thing", "dask")


def test_by_address(dask: Any, dask_cluster: Any, stored: Stored) -> None:
    runner = dask.DaskTaskRunner(address=dask_cluster.scheduler_address, client_kwargs={"name": "mine"})

    @task
    def one() -> int:
        return 1

    @flow(task_runner=runner)
    def around() -> Any:
        return one.submit()

    assert around() == 1


def test_clients_in_flows_and_tasks(dask: Any, dask_cluster: Any, stored: Stored) -> None:
    address = dask_cluster.scheduler_address

    @task
    def in_task() -> Any:
        with importlib.import_module("antiphon_dask").get_dask_client() as client:
            return client.scheduler.address, client.submit(lambda: 2).result()

    @task
    async def in_async_task() -> Any:
        async with importlib.import_module("antiphon_dask").get_async_dask_client(timeout=10) as client:
            return client.scheduler.address, await client.submit(lambda: 3)

    @flow(task_runner=dask.DaskTaskRunner(cluster=dask_cluster))
    def around() -> Any:
        with dask.get_dask_client() as client:
            return client.submit(lambda: 1).result(), in_task.submit(), in_async_task.submit()

    first, second, third = around()
    assert (first, second.result(), third.result()) == (1, (address, 2), (address, 3))


def test_no_client_elsewhere(dask: Any, stored: Stored) -> None:
    @flow
    def around() -> None:
        with dask.get_dask_client():
            pass

    with pytest.raises(MissingContextError, match="There is no Dask cluster here"):
        around()

    async def run() -> None:
        async with dask.get_async_dask_client():
            pass

    with pytest.raises(MissingContextError, match="There is no Dask cluster here"):
        asyncio.run(run())


#: The runner's class alone, and a cluster of its own.
SCRIPT = """
import sys
from antiphon import flow, task
from antiphon_dask.task_runners import DaskTaskRunner

@task
def double(x):
    return x * 2

@flow(task_runner=DaskTaskRunner(
    cluster_class="distributed.LocalCluster",
    cluster_kwargs={"n_workers": 1, "threads_per_worker": 2, "dashboard_address": ":0"},
    adapt_kwargs={"minimum": 1, "maximum": 2},
    performance_report_path=sys.argv[1] or None,
))
def around():
    return double.map([1, 2])

if __name__ == "__main__":
    print(around())
"""


def test_a_cluster_for_the_flow_run(stored: Stored, tmp_path: Path) -> None:
    # What writes reports is no part of the extra.
    writes = importlib.util.find_spec("bokeh") is not None
    script, report = tmp_path / "script.py", tmp_path / "report.html"
    script.write_text(SCRIPT)
    environment = {**os.environ, "ANTIPHON_API_URL": stored.client.target, "ANTIPHON_HOME": str(tmp_path)}
    command = [sys.executable, str(script), str(report) if writes else ""]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == "[2, 4]", done.stderr
    assert report.exists() == writes


def test_a_report_without_what_writes_it(dask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="Dask needs bokeh to write a performance report"):
        dask.DaskTaskRunner(performance_report_path="report.html")
