"""What the RPCs of runs, versions and schedules of deployments do, for the tests of every unary RPC."""

from typing import Any

from work_calls import Ask, Check
from world import World

#: A span in which `@daily` fires thrice.
SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-03T12:00:00Z"}


def changed(world: World) -> str:
    """The deployment in its second version."""
    deployment = {"id": world.deployment, "entrypoint": "flows.py:etl"}
    world.call("UpdateDeployment", {"deployment": deployment, "updateMask": "entrypoint"})
    return world.deployment


def runs_of(world: World) -> list[str]:
    """The names of the states of the deployment's runs."""
    found = world.call("ListFlowRuns", {"filter": f'deployment_id = "{world.deployment}"'}).flow_runs
    return [run.state.name for run in found]


def days_of(times: Any) -> list[str]:
    return [each.ToJsonString()[:10] for each in times]


#: RPC -> (request, what must hold of the answer).
DEPLOYMENTS_DO: dict[str, tuple[Ask, Check]] = {
    "ApplyDeployment": (
        lambda w: {"deployment": {"name": "nightly", "flowId": w.flow, "entrypoint": "flows.py:etl", "tags": ["x"]}},
        lambda r, w: (
            (r.created, r.deployment.id, r.deployment.entrypoint, r.deployment.version_number)
            == (False, w.deployment, "flows.py:etl", 2)
        ),
    ),
    "RunDeployment": (
        lambda w: {"id": w.deployment, "flowRunName": "now", "tags": ["b"], "jobVariables": '{"image": "x"}'},
        lambda r, w: (
            (r.created, r.flow_run.name, r.flow_run.state.name, list(r.flow_run.tags), r.flow_run.job_variables)
            == (True, "now", "Scheduled", ["b"], '{"image": "x"}')
            and r.flow_run.deployment_id == w.deployment
            and runs_of(w) == ["Scheduled"]
        ),
    ),
    "BackfillDeployment": (
        lambda w: {"id": w.deployment, "scheduleId": w.schedule, "dryRun": True, **SPAN},
        lambda r, w: (
            days_of(r.times) == ["2026-01-01", "2026-01-02", "2026-01-03"]
            and (r.total_count, r.existing_count, r.operation.id, runs_of(w)) == (3, 0, "", [])
        ),
    ),
    "ListDeploymentVersions": (
        lambda w: {"deploymentId": changed(w).upper()},
        lambda r, w: (
            [(each.number, each.deployment.entrypoint) for each in r.versions] == [(2, "flows.py:etl"), (1, "")]
        ),
    ),
    "RollBackDeployment": (
        lambda w: {"id": changed(w)},
        lambda r, w: (r.deployment.entrypoint, r.deployment.version_number) == ("", 3),
    ),
    "CreateSchedule": (
        lambda w: {"schedule": {"deploymentId": w.deployment.upper(), "interval": {"interval": "3600s"}}},
        lambda r, w: (
            (r.schedule.deployment_id, r.schedule.paused, r.schedule.etag) == (w.deployment, False, "1")
            and r.schedule.HasField("next_time")
            and runs_of(w) == ["Scheduled"]
        ),
    ),
    "GetSchedule": (
        lambda w: {"id": w.schedule.upper()},
        lambda r, w: (r.schedule.slug, r.schedule.cron.expression, r.schedule.paused) == ("daily", "@daily", True),
    ),
    "ListSchedules": (
        lambda w: {"filter": f'deployment_id = "{w.deployment}" AND slug = daily AND paused = true'},
        lambda r, w: [each.id for each in r.schedules] == [w.schedule],
    ),
    "UpdateSchedule": (
        lambda w: {
            "schedule": {"id": w.schedule, "paused": False, "timeZone": "Europe/Berlin", "etag": "1"},
            "updateMask": "paused,timeZone",
        },
        lambda r, w: (
            (r.schedule.time_zone, r.schedule.paused, r.schedule.etag) == ("Europe/Berlin", False, "2")
            and runs_of(w) == ["Scheduled"]
        ),
    ),
    "DeleteSchedule": (
        lambda w: {"id": w.schedule},
        lambda r, w: w.refused("GetSchedule", {"id": w.schedule}).reason == "SCHEDULE_NOT_FOUND",
    ),
    "PreviewSchedule": (
        lambda w: {"given": {"cron": {"expression": "0 6 * * MON"}}, "afterTime": "2026-01-01T00:00:00Z", "count": 2},
        lambda r, w: days_of(each.time for each in r.times) == ["2026-01-05", "2026-01-12"],
    ),
    "CreateCalendar": (
        lambda w: {"calendar": {"name": "weekends", "weekdays": [6, 7]}},
        lambda r, w: (list(r.calendar.weekdays), r.calendar.etag) == ([6, 7], "1"),
    ),
    "GetCalendar": (
        lambda w: {"name": "holidays"},
        lambda r, w: r == w.call("GetCalendar", {"id": w.calendar.upper()}) and list(r.calendar.days) == ["12-25"],
    ),
    "ListCalendars": (
        lambda w: {"filter": "name = holidays"},
        lambda r, w: [each.id for each in r.calendars] == [w.calendar],
    ),
    "UpdateCalendar": (
        lambda w: {"calendar": {"id": w.calendar, "days": ["2026-12-24"]}, "updateMask": "days"},
        lambda r, w: (list(r.calendar.days), r.calendar.etag) == (["2026-12-24"], "2"),
    ),
    "DeleteCalendar": (
        lambda w: {"id": w.calendar},
        lambda r, w: w.refused("GetCalendar", {"id": w.calendar}).reason == "CALENDAR_NOT_FOUND",
    ),
}
