"""Schedules as the contract has them."""

from antiphon.deployments.parameters import parameters_payload
from antiphon.schedule_rules import rule_fields
from antiphon.schedules import Schedule
from antiphon.v1 import schedule_pb2

_CATCH_UP = {
    None: schedule_pb2.CATCH_UP_UNSPECIFIED,
    "skip": schedule_pb2.CATCH_UP_SKIP,
    "latest": schedule_pb2.CATCH_UP_LATEST,
    "all": schedule_pb2.CATCH_UP_ALL,
}
_OVERLAP = {
    None: schedule_pb2.OVERLAP_UNSPECIFIED,
    "allow": schedule_pb2.OVERLAP_ALLOW,
    "enqueue": schedule_pb2.OVERLAP_ENQUEUE,
    "skip": schedule_pb2.OVERLAP_SKIP,
    "cancel_other": schedule_pb2.OVERLAP_CANCEL_OTHER,
}


def schedule_message(schedule: Schedule) -> schedule_pb2.Schedule:
    """Return a schedule as the contract has it. Raises SerializationError for parameters that JSON cannot say."""
    message = schedule_pb2.Schedule(
        slug=schedule.slug or "",
        time_zone=schedule.timezone or "",
        catch_up=_CATCH_UP[schedule.catch_up],
        overlap=_OVERLAP[schedule.overlap],
        excluded_calendars=schedule.excluded_calendars,
        max_scheduled_runs=schedule.max_scheduled_runs or 0,
        **rule_fields(schedule),
    )
    # An active one that somebody has paused since stays so.
    if not schedule.active:
        message.paused = True
    if schedule.parameters:
        message.parameters.CopyFrom(parameters_payload(schedule.parameters, "The parameters of a schedule"))
    if schedule.jitter:
        message.jitter.FromTimedelta(schedule.jitter)
    return message
