"""What is known of a flow run that is being watched, with its task runs and subflows. No input or output."""

from collections import Counter
from dataclasses import dataclass, field

from antiphon.cli.run_words import Run, is_terminal, state_word
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import WatchFlowRunResponse
from antiphon.v1.state_pb2 import StateType
from antiphon.v1.task_run_pb2 import TaskRun

_ACTIVE = frozenset({StateType.STATE_TYPE_RUNNING, StateType.STATE_TYPE_CANCELLING, StateType.STATE_TYPE_PAUSED})
_BAD = frozenset({StateType.STATE_TYPE_FAILED, StateType.STATE_TYPE_CRASHED})


@dataclass(slots=True)
class FlowNode:
    """One flow run as far as it is known."""

    id: str
    run: FlowRun | None = None
    #: By id.
    task_runs: dict[str, TaskRun] = field(default_factory=dict)
    #: Task run -> the subflow's run that it stands for.
    children: dict[str, str] = field(default_factory=dict)

    def ordered(self) -> list[TaskRun]:
        """Task runs in order of creation."""
        return sorted(self.task_runs.values(), key=lambda run: (run.create_time.ToNanoseconds(), run.id))

    def ended_count(self) -> int:
        """How many of the task runs have ended."""
        return sum(is_terminal(run) for run in self.task_runs.values())

    def excerpt(self, limit: int) -> tuple[list[TaskRun], Counter[str]]:
        """At most `limit` task runs in order of creation, and how many of the others are in which state.

        What runs comes first, then what went wrong, then subflows, then what is newest.
        """
        runs = self.ordered()
        if len(runs) <= limit:
            return runs, Counter()
        newest_first = sorted(range(len(runs)), key=lambda index: (self._rank(runs[index]), -index))
        chosen = set(newest_first[:limit])
        left = Counter(state_word(run) for index, run in enumerate(runs) if index not in chosen)
        return [run for index, run in enumerate(runs) if index in chosen], left

    def _rank(self, run: TaskRun) -> int:
        if run.state.type in _ACTIVE:
            return 0
        if run.state.type in _BAD:
            return 1
        return 2 if run.id in self.children else 3


class RunTree:
    """The flow run `root_id` and its subflows. Feed it what WatchFlowRun sends; not for several threads at once."""

    def __init__(self, root_id: str) -> None:
        self.root = FlowNode(root_id)
        self._nodes = {root_id: self.root}

    def apply(self, flow_run_id: str, response: WatchFlowRunResponse) -> Run | None:
        """Take what the watch of `flow_run_id` sent. Return the run if its state is another one than was known."""
        node = self.node(flow_run_id)
        match response.WhichOneof("event"):
            case "flow_run":
                before, run = node.run, response.flow_run
                node.run = run
                return run if _state_id(before) != _state_id(run) else None
            case "task_run":
                task_run = response.task_run
                known = node.task_runs.get(task_run.id)
                node.task_runs[task_run.id] = task_run
                if task_run.state.details.child_flow_run_id:
                    node.children[task_run.id] = task_run.state.details.child_flow_run_id
                return task_run if _state_id(known) != _state_id(task_run) else None
        return None

    def node(self, flow_run_id: str) -> FlowNode:
        """The node of a flow run, made if it is new."""
        return self._nodes.setdefault(flow_run_id, FlowNode(flow_run_id))


def _state_id(run: Run | None) -> str:
    return run.state.id if run is not None else ""
