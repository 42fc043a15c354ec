"""What to ask the server so that a flow run can be explained. The words for it are in explain_words.py."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from google.protobuf.message import Message

from antiphon.cli.output import to_json
from antiphon.cli.run_words import TERMINAL, Run, is_terminal, type_word
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.v1.admin_service_pb2 import ListSessionsRequest, Session
from antiphon.v1.flow_run_command_pb2 import FlowRunCommand
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, ListFlowRunCommandsRequest
from antiphon.v1.state_pb2 import State, StateDetails, StateType
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest
from antiphon.v1.transition_pb2 import Proposal
from antiphon.v1.transition_service_pb2 import ExplainTransitionRequest, ExplainTransitionResponse

#: Of the task runs that wait.
MOST_EXPLAINED = 5
#: Of the task runs that run, and of those that wait; one more is asked for, to see that there are more.
MOST_LISTED = 100
#: How often to look again where the run moved while it was being looked at.
_ATTEMPTS = 3
_SCHEDULED, _PENDING = StateType.STATE_TYPE_SCHEDULED, StateType.STATE_TYPE_PENDING
_RUNNING, _PAUSED = StateType.STATE_TYPE_RUNNING, StateType.STATE_TYPE_PAUSED
_CANCELLING = StateType.STATE_TYPE_CANCELLING
#: States of a flow run in which its task runs may be under way.
_WITH_TASK_RUNS = frozenset({_RUNNING, _PAUSED, _CANCELLING})


class Question(StrEnum):
    """What the policy is asked about; the values are those of --json."""

    CLAIM = "claim"
    START = "start"
    GO_ON = "go_on"
    RESUME = "resume"
    RETRY = "retry"
    RUN_AGAIN = "run_again"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the policy would say."""

    question: Question
    request: ExplainTransitionRequest
    response: ExplainTransitionResponse


@dataclass(frozen=True, slots=True)
class WaitingTaskRun:
    """A task run that has not ended and does not run; `answer` is None where nothing was asked."""

    task_run: TaskRun
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Explained:
    """All that the words are made of."""

    flow_run: FlowRun
    answers: Sequence[Answer] = ()
    commands: Sequence[FlowRunCommand] = ()
    #: By id: those that hold the run or were told about it, as far as the server remembers them.
    sessions: dict[str, Session] = field(default_factory=dict)
    #: The oldest ones, at most MOST_LISTED + 1.
    running: Sequence[TaskRun] = ()
    waiting: Sequence[WaitingTaskRun] = ()


def questions_of(run: FlowRun) -> list[tuple[Question, ExplainTransitionRequest]]:
    """What naturally comes next for a run in its state; nothing for one that runs or is stopping."""
    if is_terminal(run):
        # The same that `antiphon flow-run retry` proposes.
        retry = State(type=_SCHEDULED, name="AwaitingRetry")
        return [(Question.RETRY, _asked(run, retry)), (Question.RUN_AGAIN, _asked(run, State(type=_RUNNING)))]
    if run.state.type == _PAUSED:
        suspended = run.state.details.pause_reschedule
        state = State(type=_SCHEDULED, name="Resuming") if suspended else State(type=_RUNNING)
        return [(Question.RESUME, _asked(run, state, as_holder=not suspended))]
    if run.state.type in (_RUNNING, _CANCELLING):
        return []
    if run.session_id or run.state.type == _PENDING:
        return [(Question.GO_ON, _asked(run, State(type=_RUNNING), as_holder=True))]
    return [
        (Question.CLAIM, _asked(run, State(type=_PENDING), claim=True)),
        (Question.START, _asked(run, State(type=_RUNNING))),
    ]


def question_of_task_run(run: TaskRun) -> ExplainTransitionRequest | None:
    """What its holder would be told if it asked to run it; None of one that stops or that stands for a subflow, which
    speaks for itself."""
    details = run.state.details
    if run.state.type == _CANCELLING or details.child_flow_run_id:
        return None
    state = State(type=_RUNNING, details=StateDetails(deferred=True) if details.deferred else None)
    return _asked(run, state, as_holder=True)


def _asked(run: Run, state: State, *, claim: bool = False, as_holder: bool = False) -> ExplainTransitionRequest:
    proposal = Proposal(transition_id=new_id(), state=state, claim=claim)
    if isinstance(run, FlowRun):
        proposal.flow_run_id = run.id
    else:
        proposal.task_run_id = run.id
    return ExplainTransitionRequest(proposal=proposal, as_holder=as_holder)


def explain_flow_run(client: ServiceClient, flow_run: FlowRun) -> Explained:
    """Ask until all answers are about one state of the run, or it has moved too often. Raises as `call`."""
    for _ in range(_ATTEMPTS):
        explained = _look(client, flow_run)
        now: FlowRun = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=flow_run.id)).flow_run
        if now.state.id == flow_run.state.id:
            break
        flow_run = now
    return explained


def _look(client: ServiceClient, run: FlowRun) -> Explained:
    answers = [
        Answer(question, request, client.call(client.transitions.ExplainTransition, request))
        for question, request in questions_of(run)
    ]
    told = ListFlowRunCommandsRequest(id=run.id)
    commands = list(client.pages(client.flow_runs.ListFlowRunCommands, told, "commands"))
    sessions = _find_sessions(client, {run.session_id, *(command.session_id for command in commands)} - {""})
    if run.state.type not in _WITH_TASK_RUNS:
        return Explained(run, answers, commands, sessions)
    ended = " AND ".join(f"state.type != {type_word(State(type=type_))}" for type_ in sorted(TERMINAL))
    running = _task_runs(client, run, "state.type = RUNNING")
    waiting = _task_runs(client, run, f"state.type != RUNNING AND {ended}")
    explained = [WaitingTaskRun(task_run, _answer_of(client, task_run)) for task_run in waiting[:MOST_EXPLAINED]]
    explained += [WaitingTaskRun(task_run, None) for task_run in waiting[MOST_EXPLAINED:]]
    return Explained(run, answers, commands, sessions, running, explained)


def _task_runs(client: ServiceClient, run: FlowRun, condition: str) -> list[TaskRun]:
    request = ListTaskRunsRequest(filter=f'flow_run_id = "{run.id}" AND {condition}', order_by="create_time")
    return list(client.pages(client.task_runs.ListTaskRuns, request, "task_runs", limit=MOST_LISTED + 1))


def _answer_of(client: ServiceClient, run: TaskRun) -> Answer | None:
    request = question_of_task_run(run)
    if request is None:
        return None
    return Answer(Question.GO_ON, request, client.call(client.transitions.ExplainTransition, request))


def _find_sessions(client: ServiceClient, ids: set[str]) -> dict[str, Session]:
    """Those of the sessions that the server remembers, reading no further than needed."""
    found: dict[str, Session] = {}
    if not ids:
        return found
    session: Session
    for session in client.pages(client.admin.ListSessions, ListSessionsRequest(), "sessions"):
        if session.id in ids:
            found[session.id] = session
            if len(found) == len(ids):
                break
    return found


def explanation_json(explained: Explained) -> dict[str, Any]:
    """The document that `antiphon flow-run explain --json` prints."""
    waiting = [
        {"task_run": to_json(each.task_run), "answer": _answer_json(each.answer) if each.answer is not None else None}
        for each in explained.waiting
    ]
    return {
        "flow_run": to_json(explained.flow_run),
        "answers": [_answer_json(answer) for answer in explained.answers],
        "commands": _all_json(explained.commands),
        "sessions": _all_json(explained.sessions.values()),
        "running_task_runs": _all_json(explained.running),
        "waiting_task_runs": waiting,
    }


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "question": answer.question.value,
        "request": to_json(answer.request),
        "response": to_json(answer.response),
    }


def _all_json(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [to_json(message) for message in messages]
