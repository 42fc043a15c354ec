"""What failed since yesterday? The client reads runs by filters, from any program.

For reports, dashboards and alarms.

Prints:
    2 runs of check-a-file have failed
    b.txt: ValueError: b.txt is empty
    d.txt: ValueError: d.txt is empty
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from antiphon import flow, get_client, tags
from antiphon.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from antiphon.client.schemas.sorting import FlowRunSort
from antiphon.states import StateType


@flow(name="check-a-file", flow_run_name="{name}")
def check(name: str, size: int) -> None:
    if size == 0:
        raise ValueError(f"{name} is empty")


def what_failed(tag: str) -> None:
    failed = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED, StateType.CRASHED])),
        start_time=FlowRunFilterStartTime(after_=datetime.now(UTC) - timedelta(days=1)),
        tags=FlowRunFilterTags(all_=[tag]),
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=failed, sort=FlowRunSort.START_TIME_ASC)
    print(f"{len(runs)} runs of check-a-file have failed")
    for run in runs:
        print(f"{run.name}: {run.state.message if run.state else ''}")


if __name__ == "__main__":
    night = f"night-{uuid4()}"
    with tags(night):
        for name, size in {"a.txt": 10, "b.txt": 0, "c.txt": 7, "d.txt": 0}.items():
            check(name, size, return_state=True)
    what_failed(night)
