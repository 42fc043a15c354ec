"""The lists that can be kept up to date."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from antiphon.cli.deployment_lookup import full_name
from antiphon.cli.deployment_tables import deployments_table
from antiphon.cli.live_list import LiveList
from antiphon.cli.run_tables import flow_runs_table
from antiphon.cli.run_tree_view import change_line
from antiphon.cli.work_tables import worker_status, workers_table
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.watch_service_pb2 import WatchDeploymentsResponse, WatchFlowRunsResponse, WatchWorkersResponse
from antiphon.v1.worker_pb2 import Worker


def live_flow_runs(filter_text: str, fetch: Callable[[], Iterable[FlowRun]], limit: int) -> LiveList:
    """The newest first."""
    return LiveList(
        kind="flow_runs",
        filter=filter_text,
        fetch=fetch,
        arrange=lambda runs: sorted(runs, key=_created, reverse=True)[:limit],
        table=flow_runs_table,
        words=lambda run: change_line(run, datetime.now(UTC)).plain,
        response=WatchFlowRunsResponse,
        field="flow_run",
    )


def live_deployments(
    filter_text: str, fetch: Callable[[], Iterable[Deployment]], limit: int, *, by_created: bool
) -> LiveList:
    """By name, or the newest first."""

    def arrange(deployments: Iterable[Deployment]) -> list[Deployment]:
        if by_created:
            return sorted(deployments, key=_created, reverse=True)[:limit]
        return sorted(deployments, key=lambda each: (each.name, each.id))[:limit]

    return LiveList(
        kind="deployments",
        filter=filter_text,
        fetch=fetch,
        arrange=arrange,
        table=deployments_table,
        words=lambda each: f"{full_name(each)}  {'paused' if each.paused else 'active'}",
        response=WatchDeploymentsResponse,
        field="deployment",
    )


def live_workers(filter_text: str, fetch: Callable[[], Iterable[Worker]], limit: int) -> LiveList:
    """By name."""
    return LiveList(
        kind="workers",
        filter=filter_text,
        fetch=fetch,
        arrange=lambda workers: sorted(workers, key=lambda each: (each.name, each.id))[:limit],
        table=workers_table,
        words=lambda each: f"{each.name} of {each.work_pool_name}  {worker_status(each).plain}",
        response=WatchWorkersResponse,
        field="worker",
    )


def _created(thing: Any) -> tuple[int, int, str]:
    return thing.create_time.seconds, thing.create_time.nanos, thing.id
