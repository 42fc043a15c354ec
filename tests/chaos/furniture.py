"""What the harness itself asks of the server: the limits, the pool and the deployment that the processes use, and at
the end that nothing new is begun."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from antiphon.service_client import ServiceClient
from antiphon.v1 import concurrency_limit_service_pb2 as limits_pb
from antiphon.v1 import deployment_service_pb2 as deployments_pb
from antiphon.v1 import flow_run_service_pb2 as runs_pb
from antiphon.v1 import schedule_service_pb2 as schedules_pb
from antiphon.v1 import work_pool_service_pb2 as pools_pb
from chaos.evidence import TERMINAL_NUMBERS
from chaos.names import LEASED, LEASED_SLOTS, MARK, POOL, REGISTER, TAG, TAG_SLOTS
from chaos.process import TESTS

#: name -> slots, of all limits by name.
LIMITS = {f"tag:{TAG}": TAG_SLOTS, LEASED: LEASED_SLOTS}
#: Runs of the deployment at a time.
DEPLOYMENT_SLOTS = 2
#: Seconds between two runs of the schedule.
INTERVAL = 6


def furnish(client: ServiceClient) -> str:
    """Gives the id of the schedule."""
    for name, slots in LIMITS.items():
        limit = {"name": name, "limit": slots}
        request = _read(limits_pb.CreateConcurrencyLimitRequest(), {"concurrencyLimit": limit})
        client.call(client.concurrency_limits.CreateConcurrencyLimit, request)
    pool = _read(pools_pb.CreateWorkPoolRequest(), {"workPool": {"name": POOL, "type": "process"}})
    client.call(client.work_pools.CreateWorkPool, pool)
    deployment = {
        "name": "chaos",
        "flowName": "deployed",
        "entrypoint": "chaos/work/deployed.py:deployed",
        "path": str(TESTS),
        "workPoolName": POOL,
        "tags": [MARK],
        "concurrencyLimit": DEPLOYMENT_SLOTS,
        "gracePeriod": "15s",
    }
    asked = _read(deployments_pb.CreateDeploymentRequest(), {"deployment": deployment})
    made = client.call(client.deployments.CreateDeployment, asked).deployment
    schedule = {"deploymentId": made.id, "slug": "often", "interval": {"interval": f"{INTERVAL}s"}}
    request = _read(schedules_pb.CreateScheduleRequest(), {"schedule": schedule})
    return str(client.call(client.schedules.CreateSchedule, request).schedule.id)


def begin_nothing_more(client: ServiceClient, schedule: str) -> None:
    """Stops the schedule, with which go the runs that are not due, and ends the registers, which nobody runs."""
    asked = {"schedule": {"id": schedule, "paused": True}, "updateMask": "paused"}
    client.call(client.schedules.UpdateSchedule, _read(schedules_pb.UpdateScheduleRequest(), asked))
    left = runs_pb.ListFlowRunsRequest(filter=f'tags : "{REGISTER}"')
    for run in list(client.pages(client.flow_runs.ListFlowRuns, left, "flow_runs")):
        if run.state.type not in TERMINAL_NUMBERS:
            request = runs_pb.CancelFlowRunRequest(id=run.id, reason="the chaos is over")
            client.call(client.flow_runs.CancelFlowRun, request)


def _read(request: Message, told: dict[str, Any]) -> Any:
    return json_format.ParseDict(told, request)
