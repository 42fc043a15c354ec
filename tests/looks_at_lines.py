"""The looks into the line of deferred task runs, each of which an index answers."""

from antiphon_server.storage.work_lines import TASK_RUNS

LOOKS = {
    "first": TASK_RUNS.priorities(("t",), below=None),
    "next": TASK_RUNS.priorities(("t",), below=3),
    "due": TASK_RUNS.due(("t",), 0, 1_000, 10),
    "upcoming": TASK_RUNS.next_due(("t",), 1_000),
}
