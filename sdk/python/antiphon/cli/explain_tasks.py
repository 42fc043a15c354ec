"""The task runs of a flow run that have not ended, in words: which run, which wait and why. Pure functions."""

from collections.abc import Sequence
from datetime import datetime

from antiphon.cli.explain_answers import Block, answer_block
from antiphon.cli.explaining import MOST_EXPLAINED, MOST_LISTED, Explained, WaitingTaskRun
from antiphon.cli.run_words import run_time_words, state_word, type_word, when_words
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import VerdictKind


def task_run_blocks(explained: Explained, now: datetime) -> list[Block]:
    """How many there are of both kinds, then those that wait, at most MOST_EXPLAINED of them; nothing without any."""
    running, waiting = explained.running, explained.waiting
    if not running and not waiting:
        return []
    says = f"Of its task runs {_count(running)} run and {_count(waiting)} wait."
    shown = [f"{each.name} runs for {run_time_words(each, now)}{_subflow(each)}" for each in running[:MOST_EXPLAINED]]
    unended = {each.id for each in running} | {each.task_run.id for each in waiting}
    return [
        Block(says, shown + _more(running)),
        *(_waiting(each, unended, now) for each in waiting[:MOST_EXPLAINED]),
        *(Block(line) for line in _more(waiting)),
    ]


def _waiting(waiting: WaitingTaskRun, unended: set[str], now: datetime) -> Block:
    run, answer = waiting.task_run, waiting.answer
    since = run.state.create_time if run.HasField("state") else run.create_time
    state = state_word(run) if run.HasField("state") else "without a state"
    who = f"Task run {run.name} ({run.id}) is {state} since {when_words(since, now)}"
    if answer is None:
        stops = f"; it is {type_word(run.state)} and ends when its holder confirms"
        return Block(f"{who}{_subflow(run) or stops}.")
    block = answer_block(answer, run.state, now, subject=f"{who}; running it now")
    if answer.response.verdict.kind != VerdictKind.VERDICT_KIND_ACCEPT:
        return block
    # The server is not in its way: what it waits for is known to its process alone, but for the runs that it names.
    upstream = sum(id in unended for id in run.upstream_task_run_ids)
    why = f"it builds on {_runs(upstream)} not ended" if upstream else "its process has not asked yet"
    return Block(block.says, [f"{why}, and nothing else is in its way", *block.facts])


def _runs(count: int) -> str:
    return f"{count} task run{' that has' if count == 1 else 's that have'}"


def _subflow(run: TaskRun) -> str:
    child = run.state.details.child_flow_run_id
    return f"; it stands for a subflow: antiphon flow-run explain {child}" if child else ""


def _count(listed: Sequence[object]) -> str:
    return f"more than {MOST_LISTED}" if len(listed) > MOST_LISTED else str(len(listed))


def _more(listed: Sequence[object]) -> list[str]:
    left = len(listed) - MOST_EXPLAINED
    if left <= 0:
        return []
    return ["… and more"] if len(listed) > MOST_LISTED else [f"… and {left} more"]
