"""What both groups of limit commands print."""

from datetime import UTC, datetime
from typing import Any

from antiphon.cli.limit_lookup import LimitInUse
from antiphon.cli.limit_tables import limit_page
from antiphon.cli.output import make_console, print_json, to_json


def limit_in_use_json(found: LimitInUse) -> dict[str, Any]:
    """All about one limit, as JSON has it."""
    return {
        "concurrency_limit": to_json(found.limit),
        "slots": [to_json(slot) for slot in found.slots],
        "slot_waiters": [to_json(waiter) for waiter in found.waiters],
    }


def print_limit_in_use(found: LimitInUse, *, as_json: bool) -> None:
    """Print all about one limit."""
    if as_json:
        print_json(limit_in_use_json(found))
    else:
        make_console().print(limit_page(found, datetime.now(UTC)))
