"""Workers: rows to messages and messages to operations."""

import json
from typing import Any

from antiphon.v1 import work_service_pb2 as pb
from antiphon.v1 import worker_pb2
from antiphon_server.application.takers import Parcel
from antiphon_server.application.workers import Claim, Coming
from antiphon_server.rpc.deployment_conversions import deployment_of_version
from antiphon_server.rpc.limit_conversions import stamps
from antiphon_server.rpc.read_conversions import flow_run_message
from antiphon_server.rpc.work_pool_conversions import create_work_pool_from
from antiphon_server.wire_times import micros_to_timestamp


def worker_message(row: Any, ttl: int) -> worker_pb2.Worker:
    """`ttl`: microseconds after which a session is lost that was not heard of."""
    online = worker_pb2.WORKER_STATUS_ONLINE if row.online else worker_pb2.WORKER_STATUS_OFFLINE
    heard = row.lease_time - ttl if row.lease_time is not None else row.update_time
    return worker_pb2.Worker(
        id=row.id,
        name=row.name,
        work_pool_id=row.work_pool_id,
        work_pool_name=row.work_pool_name,
        work_queue_names=json.loads(row.queue_names),
        labels=json.loads(row.labels),
        client=row.client,
        status=online,
        session_id=row.session_id if row.online else "",
        last_heard_time=micros_to_timestamp(heard),
        **stamps(row),
    )


def coming_from(hello: pb.WorkerHello) -> Coming:
    made = create_work_pool_from(hello.create_work_pool) if hello.HasField("create_work_pool") else None
    return Coming(
        name=hello.name,
        work_pool_name=hello.work_pool_name,
        work_pool_type=hello.work_pool_type,
        create_work_pool=made,
        queue_names=tuple(hello.work_queue_names),
        labels=dict(hello.labels),
        client=hello.client,
        holds=tuple(map(claim_from, hello.holds)),
    )


def claim_from(message: pb.Claim) -> Claim:
    return Claim(message.flow_run_id.lower(), message.fencing_token)


def claim_message(claim: Claim) -> pb.Claim:
    return pb.Claim(flow_run_id=claim.flow_run_id, fencing_token=claim.fencing_token)


def offer_message(parcel: Parcel) -> pb.WorkResponse:
    run = flow_run_message(parcel.run)
    offer = pb.WorkOffer(flow_run=run, fencing_token=run.fencing_token)
    if parcel.deployment is not None:
        offer.deployment.CopyFrom(deployment_of_version(parcel.deployment, parcel.version))
    if run.HasField("deadline_time"):
        offer.expire_time.CopyFrom(run.deadline_time)
    return pb.WorkResponse(offer=offer)


def exit_in_words(report: pb.InfrastructureExited) -> str:
    """For people: what was gone, and why."""
    what = f"what ran it ({report.infrastructure_pid})" if report.infrastructure_pid else "what was to run it"
    said = f": {report.message}" if report.message else ""
    if not report.infrastructure_pid:
        return f"{what} could not be started{said}"
    return f"{what} ended with exit code {report.exit_code} before it said how the run ended{said}"
