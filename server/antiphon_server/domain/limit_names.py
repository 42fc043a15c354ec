"""What the concurrency limits are called that the policy looks for by itself."""

TAG, DEPLOYMENT, WORK_QUEUE, WORK_POOL = "tag:", "deployment:", "work-queue:", "work-pool:"
SCHEDULE = "schedule:"


def of_tag(tag: str) -> str:
    return TAG + tag


def of_deployment(id: str) -> str:
    return DEPLOYMENT + id


def of_work_queue(id: str) -> str:
    return WORK_QUEUE + id


def of_work_pool(id: str) -> str:
    return WORK_POOL + id


def of_schedule(id: str) -> str:
    return SCHEDULE + id


#: How names of limits that belong to something begin, and what that is.
_OWNERS = {DEPLOYMENT: "a deployment", WORK_POOL: "a work pool", WORK_QUEUE: "a work queue", SCHEDULE: "a schedule"}


def owner_of(name: str) -> str | None:
    """What a limit of this name belongs to; None where it stands for itself."""
    return next((owner for prefix, owner in _OWNERS.items() if name.startswith(prefix)), None)
