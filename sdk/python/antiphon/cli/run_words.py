"""Words for runs: states, spans and times as people read them. Pure functions."""

from datetime import datetime
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.timestamps import read_timestamp
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.payload_pb2 import Payload
from antiphon.v1.state_pb2 import State, StateType
from antiphon.v1.task_run_pb2 import TaskRun

Run: TypeAlias = FlowRun | TaskRun

TERMINAL = frozenset(
    {
        StateType.STATE_TYPE_COMPLETED,
        StateType.STATE_TYPE_FAILED,
        StateType.STATE_TYPE_CANCELLED,
        StateType.STATE_TYPE_CRASHED,
    }
)
_STYLES = {
    StateType.STATE_TYPE_SCHEDULED: "cyan",
    StateType.STATE_TYPE_PENDING: "yellow",
    StateType.STATE_TYPE_RUNNING: "blue",
    StateType.STATE_TYPE_COMPLETED: "green",
    StateType.STATE_TYPE_FAILED: "bold red",
    StateType.STATE_TYPE_CANCELLED: "bright_black",
    StateType.STATE_TYPE_CRASHED: "bold magenta",
    StateType.STATE_TYPE_PAUSED: "yellow",
    StateType.STATE_TYPE_CANCELLING: "yellow",
}
TYPE_PREFIX = "STATE_TYPE_"
_TYPE_WORDS = frozenset(name.removeprefix(TYPE_PREFIX) for name in StateType.keys()) - {"UNSPECIFIED"}  # noqa: SIM118
_LONGEST_VALUE = 2000


def type_word(state: State) -> str:
    """The type without its prefix, such as `COMPLETED`; a number for one that this client does not know."""
    if state.type in StateType.values():
        return StateType.Name(state.type).removeprefix(TYPE_PREFIX)
    return str(state.type)


def is_state_type(word: str) -> bool:
    """Whether a word names a type of state, such as `FAILED`."""
    return word in _TYPE_WORDS


def state_word(run: Run) -> str:
    """The name of the state that holds; `No state` before the first."""
    if not run.HasField("state"):
        return "No state"
    return run.state.name or type_word(run.state).capitalize()


def state_style(state: State) -> str:
    """The Rich style of a state."""
    return _STYLES.get(state.type, "")


def is_terminal(run: Run) -> bool:
    """Whether the run has ended."""
    return run.state.type in TERMINAL


def run_seconds(run: Run, now: datetime) -> float:
    """Seconds spent in RUNNING, with the stretch that is not over."""
    seconds = run.total_run_time.seconds + run.total_run_time.nanos / 1e9
    if run.state.type == StateType.STATE_TYPE_RUNNING:
        seconds += max(0.0, (now - read_timestamp(run.state.create_time)).total_seconds())
    return seconds


def span_words(seconds: float) -> str:
    """A span in about three figures: `35ms`, `1.2s`, `3m 05s`, `2h 03m`, `4d 01h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02}h"


def run_time_words(run: Run, now: datetime) -> str:
    """How long the run has been running; empty if it never was."""
    return span_words(run_seconds(run, now)) if run.run_count else ""


def attempt_words(run: Run) -> str:
    """`attempt 2 of 4` where the run was tried again; else empty."""
    if run.run_count < 2:
        return ""
    most = run.retry_policy.max_retries + 1
    return f"attempt {run.run_count} of {most}" if most >= run.run_count else f"attempt {run.run_count}"


def moment_words(moment: Timestamp) -> str:
    """A time in this machine's zone, to the second."""
    return f"{read_timestamp(moment).astimezone():%Y-%m-%d %H:%M:%S}"


def ago_words(moment: Timestamp, now: datetime) -> str:
    """How long ago, roughly: `12s ago`, `5m ago`, `3h ago`, `2d ago`."""
    return f"{_rough_words((now - read_timestamp(moment)).total_seconds())} ago"


def when_words(moment: Timestamp, now: datetime) -> str:
    """A time in this machine's zone, and how far away it is: `2026-01-31 12:00:00 (5m ago)`, or `(in 5m)`."""
    ahead = (read_timestamp(moment) - now).total_seconds()
    return f"{moment_words(moment)} ({f'in {_rough_words(ahead)}' if ahead > 0 else ago_words(moment, now)})"


def _rough_words(seconds: float) -> str:
    whole = max(0, round(seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def payload_words(payload: Payload) -> str:
    """A value that is text, cut where long; only kind and size of one that is not, for nothing is unpickled here."""
    encoding = payload.metadata.get("encoding", "unknown encoding")
    if encoding == "binary/null":
        return "None"
    if encoding.startswith("json/"):
        text = payload.data.decode(errors="replace")
        return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
    return f"({encoding}, {len(payload.data)} bytes)"
