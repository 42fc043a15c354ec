"""The policies: which rules speak, in which order. A new rule is a file in this folder and a line here."""

from antiphon_server.domain.model import RunKind
from antiphon_server.domain.policy import Policy
from antiphon_server.domain.rules.cancel_at_once import CancelAtOnce
from antiphon_server.domain.rules.distinct_pending import DistinctPending
from antiphon_server.domain.rules.ended_while_waiting import EndedWhileWaiting
from antiphon_server.domain.rules.expected_state import ExpectedState
from antiphon_server.domain.rules.held_by_session import HeldBySession
from antiphon_server.domain.rules.keep_result import KeepResult
from antiphon_server.domain.rules.lawful_move import LawfulMove
from antiphon_server.domain.rules.name_rerun import NameRerun
from antiphon_server.domain.rules.no_reschedule_after_end import NoRescheduleAfterEnd
from antiphon_server.domain.rules.retry_failed import RetryFailed
from antiphon_server.domain.rules.schedule_time import ScheduleTime
from antiphon_server.domain.rules.wait_for_scheduled_time import WaitForScheduledTime
from antiphon_server.domain.states import ALL, CANCELLING, COMPLETED, FLOW_RUN_UNLAWFUL, LIVE, TASK_RUN_UNLAWFUL

FLOW_RUN_POLICY = Policy(
    (
        ExpectedState(),
        EndedWhileWaiting(),
        # Anybody may ask a flow run to stop; its holder is told and confirms.
        HeldBySession(ALL - {CANCELLING}),
        LawfulMove(FLOW_RUN_UNLAWFUL),
        KeepResult(LIVE | {COMPLETED}),
        NoRescheduleAfterEnd(),
        DistinctPending(),
        CancelAtOnce(),
        ScheduleTime(),
        WaitForScheduledTime(),
        RetryFailed(),
        NameRerun(),
    )
)

TASK_RUN_POLICY = Policy(
    (
        ExpectedState(),
        EndedWhileWaiting(),
        HeldBySession(ALL),
        LawfulMove(TASK_RUN_UNLAWFUL),
        KeepResult(ALL),
        CancelAtOnce(),
        ScheduleTime(),
        WaitForScheduledTime(),
        RetryFailed(),
        NameRerun(),
    )
)

POLICIES = {RunKind.FLOW_RUN: FLOW_RUN_POLICY, RunKind.TASK_RUN: TASK_RUN_POLICY}
