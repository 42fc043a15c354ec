"""What the concurrency limits are called that the policy looks for by itself."""

TAG, DEPLOYMENT, WORK_QUEUE, WORK_POOL = "tag:", "deployment:", "work-queue:", "work-pool:"


def of_tag(tag: str) -> str:
    return TAG + tag


def of_deployment(id: str) -> str:
    return DEPLOYMENT + id


def of_work_queue(id: str) -> str:
    return WORK_QUEUE + id


def of_work_pool(id: str) -> str:
    return WORK_POOL + id
