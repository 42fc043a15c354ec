"""From what the working set holds to the facts that rules look at."""

from antiphon_server.domain import limit_names
from antiphon_server.domain.facts import Cached, CollisionStrategy, Deployment, Fact, Facts, Limit, Queue
from antiphon_server.domain.model import Proposal, Run, RunKind
from antiphon_server.domain.policy import Policy
from antiphon_server.domain.schedules.kinds import Overlap
from antiphon_server.storage.surroundings import DeploymentRow, QueueRow, ScheduleRow
from antiphon_server.storage.working_set import Needs, WorkingSet


def note_needs(policy: Policy, proposal: Proposal, needs: Needs) -> None:
    """Names what the rules of a policy will look at, so that a batch loads it together."""
    wanted = policy.needs[proposal.state.type]
    if Fact.LIMITS in wanted or Fact.DEPLOYMENT in wanted:
        flow = proposal.kind is RunKind.FLOW_RUN
        (needs.limited_flow_runs if flow else needs.limited_task_runs).add(proposal.run_id)
    details = proposal.state.details
    if Fact.CACHE in wanted and details is not None and details.cache_key:
        needs.cache_keys.add(details.cache_key)


def facts_for(working_set: WorkingSet, policy: Policy, run: Run, proposal: Proposal) -> Facts:
    """What the rules of `policy` may look at; what was not loaded in bulk is read now."""
    wanted = policy.needs[proposal.state.type]
    around = working_set.run(RunKind.FLOW_RUN, run.flow_run_id) if run.flow_run_id is not None else None
    facts = Facts(run, around, waited=proposal.transition_id in working_set.waiting.proposals)
    surroundings = working_set.surroundings
    queue = None
    if run.work_queue_id is not None and proposal.claim:
        queue = surroundings.queue(run.work_queue_id)
        facts.queue = _queue(queue) if queue is not None else None
    deployment = None
    if run.deployment_id is not None and Fact.DEPLOYMENT in wanted:
        deployment = surroundings.deployment(run.deployment_id)
        facts.deployment = _deployment(deployment) if deployment is not None else None
    schedule = None
    if run.schedule_id is not None and Fact.LIMITS in wanted:
        schedule = surroundings.schedule(run.schedule_id)
        facts.overlap = Overlap(schedule.overlap) if schedule is not None else None
    if Fact.LIMITS in wanted:
        facts.limits = _limits(working_set, run, _names(run, deployment, schedule, queue))
    details = proposal.state.details
    if Fact.CACHE in wanted and details is not None and details.cache_key:
        facts.cached = _cached(working_set, details.cache_key)
    return facts


def _deployment(row: DeploymentRow) -> Deployment:
    return Deployment(row.id, row.name, row.paused, CollisionStrategy(row.collision_strategy), row.grace_period)


def _queue(row: QueueRow) -> Queue:
    return Queue(row.name, row.pool_name, row.paused, row.pool_paused)


def _names(
    run: Run, deployment: DeploymentRow | None, schedule: ScheduleRow | None, queue: QueueRow | None
) -> list[tuple[str, str]]:
    """The names of the limits that the run is subject to, where they exist, and how people call what they bound."""
    if run.kind is RunKind.TASK_RUN:
        return [(limit_names.of_tag(tag), f"tag {tag!r}") for tag in sorted(run.tags)]
    names = []
    if run.deployment_id is not None:
        called = f"deployment {deployment.name!r}" if deployment is not None else f"deployment {run.deployment_id}"
        names.append((limit_names.of_deployment(run.deployment_id), called))
    if schedule is not None:
        names.append((limit_names.of_schedule(schedule.id), f"schedule {schedule.slug or schedule.id!r}"))
    if queue is not None:
        names.append((limit_names.of_work_queue(queue.id), f"work queue {queue.name!r}"))
        names.append((limit_names.of_work_pool(queue.pool_id), f"work pool {queue.pool_name!r}"))
    return names


def _limits(working_set: WorkingSet, run: Run, names: list[tuple[str, str]]) -> tuple[Limit, ...]:
    if not names:
        return ()
    book = working_set.slots
    found = [(limit, title) for name, title in names if (limit := book.named(name)) is not None]
    if not found:
        return ()
    held = book.held_by(run.id) if run.holds_slots else ()
    return tuple(
        Limit(
            row.id,
            row.name,
            row.slots,
            row.active,
            row.taken,
            row.id in held,
            row.average_occupancy,
            row.next_free_time,
            title,
        )
        for row, title in found
    )


def _cached(working_set: WorkingSet, key: str) -> Cached | None:
    for entry in working_set.surroundings.cached(key):
        made = working_set.fetch_transition(entry.id)
        # The run that made it may have been deleted since.
        if made is not None and made.state is not None:
            return Cached(made.state, entry.expire_time)
    return None
