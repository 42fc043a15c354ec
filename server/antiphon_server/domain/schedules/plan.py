"""What is to be planned of one schedule: an hour ahead, or to its next time where that is later, and again when half of
what was planned has come due. All times are in microseconds."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from antiphon_server.domain.schedules.kinds import CatchUp
from antiphon_server.domain.schedules.series import Series

#: How far ahead is planned, and the most runs that are planned ahead of one schedule.
AHEAD, MOST_AHEAD = 3_600_000_000, 100
#: Missed times that are caught up at most.
MOST_MISSED = 1_000
#: What is missed by less is run whatever the policy, as when a server is restarted.
GRACE = 60_000_000
#: Spans back from now in which missed times are looked for, the shortest that will do.
_WINDOWS = (3_600_000_000, 24 * 3_600_000_000, 40 * 24 * 3_600_000_000, 3660 * 24 * 3_600_000_000)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run of the schedule that nobody has claimed."""

    start: int
    id: str


@dataclass(frozen=True, slots=True)
class Away:
    """A span in which no server ran."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    #: Times, without jitter, that get runs.
    times: Sequence[int] = ()
    #: Runs whose time was missed and is passed over.
    dropped: Sequence[str] = ()
    #: Every time up to and with this one has its run, or was passed over.
    planned_time: int = 0
    #: When to plan again; None where nothing is to come.
    plan_time: int | None = None


def work_out(
    series: Series,
    waiting: Sequence[Waiting],
    now: int,
    since: int,
    policy: CatchUp | None,
    *,
    most: int = 0,
    away: Away | None = None,
) -> Plan:
    """`since` is the `planned_time` of the plan before, and `waiting` what came of it. Times that have passed are
    caught up by `policy`, none where that is None; what was planned for times in `away` is treated like those. At most
    `most` runs are planned ahead, where it is not 0."""
    passed, coming = _around(series, since, now)
    missed = [time for time in passed if series.start(time) <= now]
    overdue = [run for run in waiting if away is not None and away.since <= run.start <= away.until]
    times, dropped = _caught_up(series, missed, overdue, now, policy)
    # The others were put off by jitter.
    times += [time for time in passed if series.start(time) > now]
    ahead = [run.start for run in waiting if run.start > now]
    ahead += [start for start in map(series.start, times) if start > now]
    planned_time, over, end = max(since, now), False, now + AHEAD
    while len(ahead) < (most or MOST_AHEAD):
        time = next(coming, None)
        if time is None:
            over = True
            break
        if ahead and time > end:
            break
        times.append(time)
        ahead.append(series.start(time))
        planned_time = time
        if time > end:  # The next one is later still.
            break
    ahead.sort()
    return Plan(times, dropped, planned_time, None if over or not ahead else ahead[len(ahead) // 2])


def _around(series: Series, since: int, now: int) -> tuple[list[int], Iterator[int]]:
    """The last times behind `since` that are not behind `now`, and those that are."""
    passed: deque[int] = deque(maxlen=MOST_MISSED)
    coming: Iterator[int] = iter(())
    for window in _WINDOWS:
        begin = max(since, now - window)
        passed.clear()
        coming = series.after(begin)
        for time in coming:
            if time > now:
                coming = chain((time,), coming)
                break
            passed.append(time)
        if len(passed) == MOST_MISSED or begin == since:
            break
    return list(passed), coming


def _caught_up(
    series: Series, missed: list[int], overdue: Sequence[Waiting], now: int, policy: CatchUp | None
) -> tuple[list[int], list[str]]:
    """Of the times that were missed, those that get runs, and of the runs that are overdue, those that are dropped."""
    if policy is None:
        return [], []
    if policy is CatchUp.ALL:
        return missed, []
    kept = [time for time in missed if series.start(time) > now - GRACE]
    dropped = [run.id for run in overdue if run.start <= now - GRACE]
    if policy is CatchUp.LATEST and not kept and len(dropped) == len(overdue):
        # Planned times are earlier than those that nobody planned.
        kept, dropped = missed[-1:], dropped if missed else dropped[:-1]
    return kept, dropped
