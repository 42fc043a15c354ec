"""Why a flow run is where it is, as a person would say it. Takes what explaining.py has found, and fetches nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime

from antiphon.cli.explain_answers import Block, answer_block
from antiphon.cli.explain_tasks import task_run_blocks
from antiphon.cli.explaining import Answer, Explained, Question
from antiphon.cli.run_tables import first_line
from antiphon.cli.run_words import attempt_words, is_terminal, run_time_words, state_word, when_words
from antiphon.timestamps import read_timestamp
from antiphon.v1.admin_service_pb2 import SessionStatus
from antiphon.v1.flow_run_command_pb2 import FlowRunCommand, FlowRunCommandKind
from antiphon.v1.session_pb2 import CommandStage
from antiphon.v1.state_pb2 import StateType
from antiphon.v1.transition_pb2 import VerdictKind

_LONGEST_SCHEMA = 300
_KILL = FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_KILL_INFRASTRUCTURE
_TOLD = {
    FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_CANCEL: "to stop",
    FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_REVOKE: "that the run is no longer its own",
    _KILL: "to kill what the run runs on",
    FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_PAUSE: "that the run is paused",
    FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_RESUME: "to go on",
    FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_SUSPEND: "that the run is suspended, and to let go of it",
}
_STAGES = {
    CommandStage.COMMAND_STAGE_RECEIVED: "it has heard that",
    CommandStage.COMMAND_STAGE_APPLIED: "it has done that",
    CommandStage.COMMAND_STAGE_REFUSED: "it will not",
    CommandStage.COMMAND_STAGE_TOO_LATE: "the run had ended before",
}
_ENDED = {
    StateType.STATE_TYPE_COMPLETED: "it ended as its code wanted",
    StateType.STATE_TYPE_FAILED: "its code failed and said no more",
    StateType.STATE_TYPE_CANCELLED: "somebody asked it to stop and gave no reason",
    StateType.STATE_TYPE_CRASHED: "what ran it went away",
}


def explanation_lines(explained: Explained, now: datetime) -> list[str]:
    """The whole answer, a line each: the run and its state, why, and what may come next."""
    run = explained.flow_run
    since = run.state.create_time if run.HasField("state") else run.create_time
    lines = [f"Flow run {run.name} ({run.id}) is {_state(explained)} since {when_words(since, now)}."]
    for block in (*_blocks(explained, now), *task_run_blocks(explained, now)):
        lines += block.lines()
    return lines


def _state(explained: Explained) -> str:
    run = explained.flow_run
    return state_word(run) if run.HasField("state") else "without a state"


def _blocks(explained: Explained, now: datetime) -> list[Block]:
    say = _BY_STATE.get(explained.flow_run.state.type, _scheduled)
    if is_terminal(explained.flow_run):
        say = _ended
    why = say(explained, now)
    return [why, *(_next(explained, each, now) for each in explained.answers)]


def _next(explained: Explained, answer: Answer, now: datetime) -> Block:
    """What may come next; with the command for a retry that would be accepted."""
    run = explained.flow_run
    block = answer_block(answer, run.state, now)
    accepted = answer.response.verdict.kind == VerdictKind.VERDICT_KIND_ACCEPT
    if answer.question is not Question.RETRY or not accepted:
        return block
    return Block(block.says, [*block.facts, f"antiphon flow-run retry {run.id}"])


def _scheduled(explained: Explained, now: datetime) -> Block:
    """Without a state, or SCHEDULED."""
    run = explained.flow_run
    due = run.next_scheduled_start_time
    if run.session_id:
        why = "the session that holds it has not brought it to RUNNING yet"
    elif not run.HasField("state"):
        why = "it was only created; nobody has scheduled, claimed or started it"
    elif run.state.name == "AwaitingConcurrencySlot":
        why = "it found no slot free and stands in a queue; it is called when its turn comes"
    elif read_timestamp(due) > now:
        why = f"its time has not come; it is scheduled for {when_words(due, now)}"
    else:
        why = f"it is due since {when_words(due, now)}, and nobody has claimed or started it"
    facts = _facts(explained, now, message=True)
    if not run.session_id and not run.work_queue_id:
        facts.append("it is in no work queue, so no worker comes for it by itself")
    return Block(f"Why: {why}.", facts)


def _pending(explained: Explained, now: datetime) -> Block:
    run = explained.flow_run
    facts = _facts(explained, now, message=True)
    if run.infrastructure_pid:
        facts.append(f"it was started as {run.infrastructure_pid}")
    if run.HasField("deadline_time"):
        then = "the claim is given back" if run.deployment_id else "it has CRASHED, for nobody else would run it"
        facts.append(f"it must be RUNNING by {when_words(run.deadline_time, now)}; else {then}")
    elif run.session_id:
        facts.append("it has time as long as that session is heard of")
    who = f"session {run.session_id} has" if run.session_id else "somebody without a session has"
    return Block(f"Why: {who} claimed it and not brought it to RUNNING yet.", facts)


def _running(explained: Explained, now: datetime) -> Block:
    run = explained.flow_run
    facts = _facts(explained, now)
    if not run.session_id:
        facts.append("no session holds it, so nobody would notice if what runs it went away")
    if run.infrastructure_pid:
        facts.append(f"it runs as {run.infrastructure_pid}")
    facts.append(", ".join(filter(None, [f"it has run for {run_time_words(run, now)}", attempt_words(run)])))
    return Block("Why: its code runs; it ends when that does, or when it is cancelled.", facts)


def _paused(explained: Explained, now: datetime) -> Block:
    run, details = explained.flow_run, explained.flow_run.state.details
    facts = _facts(explained, now, message=True)
    key = details.pause_key or (run.pause_keys[-1] if run.pause_keys else "")
    facts += [f"the pause has the key {key}"] if key else []
    if details.HasField("pause_expire_time"):
        facts.append(f"it has FAILED unless it is resumed by {when_words(details.pause_expire_time, now)}")
    else:
        facts.append("it may wait for ever")
    if details.input_schema:
        schema = details.input_schema
        schema = schema if len(schema) <= _LONGEST_SCHEMA else f"{schema[:_LONGEST_SCHEMA]}…"
        facts.append(f"it asks for input that fits the JSON schema {schema}")
    else:
        facts.append("it asks for no input")
    if details.pause_reschedule:
        facts.append("its process has ended; another one goes on with it")
    else:
        facts.append("its process waits for that")
    resume = f"somebody resumes it: antiphon flow-run resume {run.id}"
    return Block("Why: it was paused and nobody has resumed it yet.", facts, resume)


def _cancelling(explained: Explained, now: datetime) -> Block:
    run = explained.flow_run
    facts = _facts(explained, now, message=True) + _told(explained, now)
    if run.HasField("deadline_time"):
        ends = "the server sets it to CANCELLED, whether or not it has stopped"
        if run.infrastructure_pid and not any(command.kind == _KILL for command in explained.commands):
            launcher = f"the session that started {run.infrastructure_pid}, if it is there,"
            ends = f"{launcher} is told to kill it and has some time for that; else {ends}"
        facts.append(f"{when_words(run.deadline_time, now)}: {ends}")
    force = f"its holder confirms, or somebody ends it by force: antiphon flow-run set-state CANCELLED {run.id} --force"
    return Block("Why: it was asked to stop, and its holder has not confirmed that it has.", facts, force)


def _ended(explained: Explained, now: datetime) -> Block:
    run = explained.flow_run
    why = first_line(run.state.message) or _ENDED[run.state.type]
    ran = run_time_words(run, now)
    facts = [", ".join(filter(None, [f"it ran for {ran}", attempt_words(run)]))] if ran else ["it never ran"]
    if run.state.type != StateType.STATE_TYPE_COMPLETED:
        facts += _told(explained, now)
    return Block(f"Why: {why}{'' if why.endswith(('.', '…')) else '.'}", facts)


_BY_STATE: Mapping[StateType, Callable[[Explained, datetime], Block]] = {
    StateType.STATE_TYPE_PENDING: _pending,
    StateType.STATE_TYPE_RUNNING: _running,
    StateType.STATE_TYPE_PAUSED: _paused,
    StateType.STATE_TYPE_CANCELLING: _cancelling,
}


def _facts(explained: Explained, now: datetime, *, message: bool = False) -> list[str]:
    """What every state has: its message, and the session that holds the run."""
    run = explained.flow_run
    facts = [f"the state says: {first_line(run.state.message)}"] if message and run.state.message else []
    return facts + ([f"it is held by {session_words(explained, run.session_id, now)}"] if run.session_id else [])


def session_words(explained: Explained, id: str, now: datetime) -> str:
    """A session, who that is, and whether it is heard of."""
    session = explained.sessions.get(id)
    if session is None:
        return f"session {id}, of which the server knows no more"
    heard = {
        SessionStatus.SESSION_STATUS_CLOSED: "which has said goodbye",
        SessionStatus.SESSION_STATUS_LOST: "which is lost",
    }.get(session.status)
    if heard is None:
        by = when_words(session.expire_time, now)
        alive = read_timestamp(session.expire_time) > now
        heard = f"which counts as lost unless it is heard of by {by}" if alive else f"which was to be heard of by {by}"
    return f"session {id} ({session.client}), {heard}" if session.client else f"session {id}, {heard}"


def _told(explained: Explained, now: datetime) -> list[str]:
    """Who was told what about the run, and how far that came."""
    return [_command_words(command, now) for command in explained.commands]


def _command_words(command: FlowRunCommand, now: datetime) -> str:
    what = _TOLD.get(command.kind, f"something that this client does not know ({command.kind})")
    told = f"session {command.session_id} was told {what} {when_words(command.create_time, now)}"
    if not command.HasField("update_time"):
        return f"{told}; nothing was heard of that yet"
    heard = _STAGES.get(command.stage, f"it is at stage {command.stage}")
    said = f": {first_line(command.message)}" if command.message else ""
    return f"{told}; {heard} {when_words(command.update_time, now)}{said}"
