"""What lists of runs can be asked for: each field that the contract documents, and each order, so that a new one is
asked for by itself."""

from collections.abc import Iterator, Mapping

from antiphon_server.application.listings import Listing
from antiphon_server.domain.filter_tree import FilterField, Kind

#: An id of nothing.
NOTHING = "0190163d-8694-739b-aea5-966c26f8ad90"
#: In the middle of the time that `stored_runs` fills.
MIDDLE = "2026-01-06T18:00:00Z"

#: What people ask for, in words of `stored_runs`.
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "ListFlowRuns": (
        'state.type = FAILED AND flow_name = "flow-3"',
        'state.type = COMPLETED AND name = "nobody"',
        f'deployment_id = "{{deployment_id}}" AND expected_start_time > "{MIDDLE}"',
        f'deployment_id = "{{deployment_id}}" AND state.type = FAILED AND start_time < "{MIDDLE}"',
        'tags:"rare-5" AND state.type = COMPLETED',
        'schedule_id = "{schedule_id}" AND auto_scheduled = true',
        'name = "calm-*" AND work_queue_name = "queue-3"',
        'name = "*-77" OR flow_name = "*-9"',
        "NOT tags:etl AND NOT state.type = COMPLETED",
    ),
    "ListTaskRuns": (
        'flow_run_id = "{flow_run_id}" AND state.type = FAILED',
        'state.type = FAILED AND task_key = "task-3"',
        f'task_key = "task-3" AND start_time > "{MIDDLE}"',
        'tags:"rare-5" AND state.type = COMPLETED',
        'name = "calm-*" AND run_count > 1',
    ),
}


def filters_of(listing: Listing, known: Mapping[str, str]) -> Iterator[str]:
    """For each field what many rows fit, what few do and what none does, and what people ask for together. `known` are
    ids of what is there, by field."""
    yield ""
    for name, field in listing.filters.items():
        for check in _checks(field, known.get(name, NOTHING)):
            yield f"{name}{check}"
            yield f"NOT {name}{check}"
    for text in TOGETHER[listing.method]:
        yield text.format_map(known)


def orders_of(listing: Listing) -> list[str]:
    """All orders by one field, the default first."""
    orders = [f"{name}{way}" for name in listing.order.columns for way in ("", " desc")]
    return sorted(orders, key=lambda order: order != listing.order.default)


def _checks(field: FilterField, id: str) -> list[str]:
    match field.kind:
        case Kind.UUID:
            return [f' = "{id}"', f' = "{NOTHING}"', ":*"]
        case Kind.STRING:
            return [' = "calm-owl-7"', ' = "flow-3"', ' = "nobody"', ' = "calm-*"', ' = "*-77"', ' = "*nobody*"', ":*"]
        case Kind.ENUM:
            return [f" = {word}" for word in field.words if not word.startswith("STATE_TYPE_")]
        case Kind.INT:
            return [" = 1", " > 1", " < 0"]
        case Kind.TIME:
            return [f' > "{MIDDLE}"', f' < "{MIDDLE}"', ' > "2100-01-01T00:00:00Z"', ":*"]
        case Kind.TAGS:
            return [":etl", ':"rare-5"', ":nobody", ':"no*"', ":*"]
