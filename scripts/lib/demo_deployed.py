"""What the demo shows of deployments: a schedule fires, and a worker in a process of its own runs the flow."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from rich.console import Console

from antiphon.cli.following import Following
from antiphon.schedules import Interval
from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_service_pb2 import DeleteDeploymentRequest
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest
from antiphon.v1.work_pool_service_pb2 import DeleteWorkPoolRequest, GetWorkPoolRequest
from demo_more import ANTIPHON, RECONNECT_SECONDS, show_command
from seattle_weather import seattle_weather

_POOL, _NAME = "demo", "demo"
#: Between the deployment and its first run, so that one sees that nobody is in a hurry.
_SOON = timedelta(seconds=3)
_STOP_SECONDS = 60


def show_deployment(console: Console, client: ServiceClient, folder: str, seed: int) -> None:
    console.rule("[bold]Deployed: its schedule fires, and a worker runs it", align="left")
    show_command(console, "work-pool", "create", _POOL, "--type", "process", "--overwrite")
    with _worker():
        fires = datetime.now(UTC) + _SOON
        id = seattle_weather.deploy(
            _NAME,
            work_pool_name=_POOL,
            parameters={"folder": folder, "seed": seed},
            schedules=[Interval(timedelta(days=1), anchor_date=fires, slug="daily")],
            print_next_steps=False,
        )
        try:
            run = _ended(client, _planned(client, str(id)))
        finally:
            client.deployments.DeleteDeployment(DeleteDeploymentRequest(id=str(id)))
    pool = client.work_pools.GetWorkPool(GetWorkPoolRequest(name=_POOL)).work_pool
    client.work_pools.DeleteWorkPool(DeleteWorkPoolRequest(id=pool.id))
    late = run.start_time.ToDatetime(UTC) - run.expected_start_time.ToDatetime(UTC)
    console.print(
        f"{seattle_weather.name}/{_NAME} was to run at {fires:%H:%M:%S.%f} UTC and began "
        f"{late.total_seconds() * 1e3:.0f} ms later, in another process ({run.infrastructure_pid}).",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"{run.name}: {run.state.name}\n", highlight=False)


@contextmanager
def _worker() -> Iterator[None]:
    """A worker of the pool; in the end it stops as at Ctrl-C, once what it runs has ended."""
    command = [ANTIPHON, "worker", "start", "--pool", _POOL]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        worker.stdout.readline()  # It says that it has started.
        yield
    finally:
        worker.terminate()
        _, said = worker.communicate(timeout=_STOP_SECONDS)
        if worker.returncode != 0:
            raise SystemExit(f"the worker failed: {said.strip()[-2000:]}")


def _planned(client: ServiceClient, deployment_id: str) -> str:
    """The run that the schedule has planned: it is there when the deployment is."""
    request = ListFlowRunsRequest(filter=f'deployment_id = "{deployment_id}"', order_by="expected_start_time")
    return str(client.flow_runs.ListFlowRuns(request).flow_runs[0].id)


def _ended(client: ServiceClient, flow_run_id: str) -> FlowRun:
    """The run once it has ended."""
    with closing(Following(client, flow_run_id, RECONNECT_SECONDS)) as following:
        runs = [response.flow_run for _, response in following.events() if response.HasField("flow_run")]
    return runs[-1]
