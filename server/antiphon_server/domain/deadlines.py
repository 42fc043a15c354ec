"""No run stays claimed, asked to stop, or paused beyond its time: when somebody who is not heard of is decided upon."""

from antiphon_server.domain.facts import Deployment
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.rules.leave_pause import expired_state
from antiphon_server.domain.states import CANCELLED, CANCELLING, CRASHED, DEFAULT_NAMES, PAUSED, PENDING, SCHEDULED

#: Microseconds that a claimed run has to come to RUNNING, where its deployment does not say.
CLAIM = 300_000_000
#: Microseconds that the holder of a run has to confirm that it stopped.
STOP = 300_000_000
#: Microseconds that a worker has to kill what did not stop.
KILL = 60_000_000


def claim_time(deployment: Deployment | None) -> int:
    """Microseconds that whoever claims a run of this deployment has to bring it to RUNNING."""
    grace = deployment.grace_period if deployment is not None else None
    return grace if grace is not None else CLAIM


def deadline_of(run: Run, deployment: Deployment | None) -> int | None:
    """For a run that has just entered its state."""
    if run.state_time is None:
        return None
    if run.state_type == PENDING and (run.session_id is None or run.deployment_id is not None):
        # What a session claims for itself ends with it; what it claims from a deployment it may give to a process of
        # which it hears no more.
        return max(run.state_time, run.state_scheduled_time or 0) + claim_time(deployment)
    if run.state_type == CANCELLING:
        return run.state_time + STOP
    if run.state_type == PAUSED and run.kind is RunKind.FLOW_RUN and not run.resuming:
        # A task run that is put off is its flow run's to decide on.
        return run.details.pause_expire_time
    return None


def overdue(run: Run, transition_id: str, now: int) -> Proposal | None:
    """What the server itself proposes for a run whose deadline has passed; None where nothing is left to decide."""
    state: State
    if run.state_type == CANCELLING:
        state = State(CANCELLED, DEFAULT_NAMES[CANCELLED], _unconfirmed(run))
    elif run.state_type == PENDING and (run.deployment_id is not None or run.details.deferred):
        held = run.details
        # One that was claimed ahead of its time does not run before it.
        due = max(now, run.state_scheduled_time or now)
        # Whoever claims it next needs the arguments.
        details = StateDetails(scheduled_time=due, deferred=held.deferred, task_parameters_id=held.task_parameters_id)
        message = "it was claimed and did not run in time, so the claim was given back"
        state = State(SCHEDULED, DEFAULT_NAMES[SCHEDULED], message, details)
    elif run.state_type == PENDING:
        message = "it was claimed and did not run in time, and nobody else would run it"
        state = State(CRASHED, DEFAULT_NAMES[CRASHED], message)
    elif run.state_type == PAUSED and run.kind is RunKind.FLOW_RUN and not run.resuming:
        # By force, since a suspended run whose deployment is gone fails as well; in the words of LeavePause.
        state = expired_state()
    else:
        return None
    return Proposal(transition_id, run.kind, run.id, state, expected_state_id=run.state_id or "", force=True)


def _unconfirmed(run: Run) -> str:
    who = f"session {run.session_id}, which held it," if run.session_id is not None else "whoever ran it"
    return f"{who} did not confirm in time that it stopped; it may still be running"
