"""Rows of `operations` to messages."""

import importlib
import json
from typing import Any

from google.rpc import status_pb2

from antiphon.v1 import operation_pb2, state_pb2
from antiphon_server.domain import errors
from antiphon_server.rpc.status import to_status
from antiphon_server.wire_times import micros_to_timestamp


def operation_message(row: Any) -> operation_pb2.Operation:
    return operation_pb2.Operation(
        id=row.id,
        verb=row.verb,
        filter=row.filter,
        reason=row.reason,
        proposed_state=_proposed_state(row.proposed_state),
        force=row.force,
        state=row.state,
        total_count=row.total_count,
        done_count=row.succeeded_count + row.failed_count + row.skipped_count,
        succeeded_count=row.succeeded_count,
        failed_count=row.failed_count,
        skipped_count=row.skipped_count,
        failures=[
            operation_pb2.OperationFailure(flow_run_id=run_id, reason=reason, message=message)
            for run_id, reason, message in json.loads(row.failures)
        ],
        create_time=micros_to_timestamp(row.create_time),
        update_time=micros_to_timestamp(row.update_time),
        end_time=micros_to_timestamp(row.end_time) if row.end_time is not None else None,
        error=_error(row.error),
        backfill=_backfill(row.backfill),
    )


def _backfill(data: bytes | None) -> operation_pb2.Backfill | None:
    if data is None:
        return None
    # Not above: most servers never see one, and who starts for a hello must not wait.
    request = importlib.import_module("antiphon.v1.deployment_service_pb2").BackfillDeploymentRequest.FromString(data)
    return operation_pb2.Backfill(
        deployment_id=request.id,
        schedule_id=request.schedule_id,
        start_time=request.start_time,
        end_time=request.end_time,
        max_active_runs=request.max_active_runs,
        rerun=request.rerun,
    )


def _proposed_state(data: bytes | None) -> state_pb2.State | None:
    if data is None:
        return None
    state = state_pb2.State.FromString(data)
    state.ClearField("data")
    return state


def _error(text: str | None) -> status_pb2.Status | None:
    if text is None:
        return None
    kind, reason, message = json.loads(text)
    return to_status(getattr(errors, kind)(reason, message))
