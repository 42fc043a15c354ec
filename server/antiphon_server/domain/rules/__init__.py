"""The policies: which rules speak, in which order. A new rule is a file in this folder and a line here."""

from antiphon_server.domain.model import Proposal, RunKind
from antiphon_server.domain.policy import Policy
from antiphon_server.domain.rules.cancel_at_once import CancelAtOnce
from antiphon_server.domain.rules.cancel_new_when_late import CancelNewWhenLate
from antiphon_server.domain.rules.deployment_exists import DeploymentExists
from antiphon_server.domain.rules.distinct_pending import DistinctPending
from antiphon_server.domain.rules.ended_while_waiting import EndedWhileWaiting
from antiphon_server.domain.rules.expected_state import ExpectedState
from antiphon_server.domain.rules.fenced_out import FencedOut
from antiphon_server.domain.rules.flow_is_running import FlowIsRunning
from antiphon_server.domain.rules.held_by_session import HeldBySession
from antiphon_server.domain.rules.keep_parameters import KeepParameters
from antiphon_server.domain.rules.keep_result import KeepResult
from antiphon_server.domain.rules.keep_result_in_cache import KeepResultInCache
from antiphon_server.domain.rules.keep_scheduled_time import KeepScheduledTime
from antiphon_server.domain.rules.late_was_scheduled import LateWasScheduled
from antiphon_server.domain.rules.lawful_move import LawfulMove
from antiphon_server.domain.rules.leave_pause import LeavePause
from antiphon_server.domain.rules.name_rerun import NameRerun
from antiphon_server.domain.rules.open_for_work import OpenForWork
from antiphon_server.domain.rules.pause_once import PauseOnce
from antiphon_server.domain.rules.rerun_after_end import RerunAfterEnd
from antiphon_server.domain.rules.restart_after_end import RestartAfterEnd
from antiphon_server.domain.rules.retry_failed import RetryFailed
from antiphon_server.domain.rules.schedule_time import ScheduleTime
from antiphon_server.domain.rules.take_slot import TakeSlot
from antiphon_server.domain.rules.take_tag_slots import TakeTagSlots
from antiphon_server.domain.rules.use_cache import UseCache
from antiphon_server.domain.rules.wait_for_scheduled_time import WaitForScheduledTime
from antiphon_server.domain.states import (
    ALL,
    CANCELLING,
    COMPLETED,
    DEFERRED_TASK_RUN_UNLAWFUL,
    FLOW_RUN_UNLAWFUL,
    LIVE,
    PAUSED,
    PENDING,
    SCHEDULED,
    TASK_RUN_UNLAWFUL,
)

FLOW_RUN_POLICY = Policy(
    (
        ExpectedState(),
        FencedOut(),
        EndedWhileWaiting(),
        # Anybody may ask a flow run to stop, or pause it; its holder is told.
        HeldBySession(ALL - {CANCELLING, PAUSED}),
        LawfulMove(FLOW_RUN_UNLAWFUL),
        KeepResult(LIVE),
        # Not even by force does a completed run forget its result.
        KeepResult(frozenset({COMPLETED}), forceable=False),
        RerunAfterEnd(),
        LateWasScheduled(),
        CancelAtOnce(),
        PauseOnce(),
        LeavePause(),
        DistinctPending(),
        DeploymentExists(),
        OpenForWork(),
        # No slot is taken that would only be held until the time has come.
        WaitForScheduledTime(),
        TakeSlot(),
        ScheduleTime(),
        KeepScheduledTime(frozenset({SCHEDULED, PENDING})),
        RetryFailed(),
    )
)

#: Of the service that marks runs Late.
MARK_LATE_POLICY = Policy((CancelNewWhenLate(), *FLOW_RUN_POLICY.rules))

TASK_RUN_POLICY = Policy(
    (
        ExpectedState(),
        FencedOut(),
        EndedWhileWaiting(),
        HeldBySession(ALL),
        LawfulMove(TASK_RUN_UNLAWFUL),
        KeepResult(ALL),
        RestartAfterEnd(),
        UseCache(),
        FlowIsRunning(),
        TakeTagSlots(),
        ScheduleTime(),
        KeepScheduledTime(frozenset({SCHEDULED})),
        WaitForScheduledTime(),
        RetryFailed(),
        NameRerun(),
        KeepResultInCache(),
    )
)

#: Of task runs that wait for a worker instead of their caller, after Prefect's background tasks: no flow run guards
#: them, so nobody may claim twice, and nobody forces them. Limits of tags hold for them as for others.
DEFERRED_TASK_RUN_POLICY = Policy(
    (
        ExpectedState(),
        FencedOut(),
        EndedWhileWaiting(),
        # Anybody may ask it to stop; its worker is told.
        HeldBySession(ALL - {CANCELLING}),
        LawfulMove(DEFERRED_TASK_RUN_UNLAWFUL),
        KeepResult(ALL),
        CancelAtOnce(),
        DistinctPending(),
        RestartAfterEnd(),
        UseCache(),
        KeepParameters(),
        TakeTagSlots(),
        ScheduleTime(),
        KeepScheduledTime(frozenset({SCHEDULED})),
        WaitForScheduledTime(),
        RetryFailed(),
        NameRerun(),
        KeepResultInCache(),
    ),
    forceable=False,
)


def policy_of(proposal: Proposal) -> Policy:
    """The policy that answers `proposal`."""
    if proposal.kind is RunKind.FLOW_RUN:
        return FLOW_RUN_POLICY
    details = proposal.state.details
    return DEFERRED_TASK_RUN_POLICY if details is not None and details.deferred else TASK_RUN_POLICY
