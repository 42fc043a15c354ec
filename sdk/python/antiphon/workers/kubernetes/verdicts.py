"""Whether a job has ended, and how: what is known of it and its pods, judged. Pure: no clock, no API."""

from dataclasses import dataclass, field
from typing import Any

from antiphon.workers.kubernetes import pods

#: What a pod that is to end may take beyond its grace, before its node counts as lost.
LOST_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the job variables allow, in seconds."""

    pod_watch: float
    job_watch: float | None


@dataclass(frozen=True, slots=True)
class End:
    """How a job has ended."""

    exit_code: int
    message: str = ""
    #: Whether the job is to be deleted: nothing that would come of it is wanted any more.
    delete: bool = False
    #: Whether the job's events may say more.
    ask_events: bool = False


@dataclass(slots=True)
class View:
    """What was seen of a job. Times are those of a clock that only goes forward."""

    began: float
    job: dict[str, Any] | None = None
    job_gone_at: float | None = None
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Name of a pod -> when it was first seen to be on its way out.
    leaving: dict[str, float] = field(default_factory=dict)
    #: The last that was seen of pods that are gone.
    gone: dict[str, dict[str, Any]] = field(default_factory=dict)
    scheduled: bool = False

    def see_job(self, job: dict[str, Any]) -> None:
        """This is the job now."""
        self.job = job

    def see_pod(self, pod: dict[str, Any], now: float) -> None:
        """This is one of its pods now."""
        name = pod["metadata"]["name"]
        self.pods[name] = pod
        self.scheduled = self.scheduled or pods.is_scheduled(pod)
        if pod["metadata"].get("deletionTimestamp") and not pods.is_over(pod):
            self.leaving.setdefault(name, now)

    def lose_pod(self, name: str, last: dict[str, Any] | None = None) -> None:
        """That pod is gone."""
        known = last or self.pods.get(name)
        self.pods.pop(name, None)
        self.leaving.pop(name, None)
        if known is not None:
            self.gone[name] = known

    @property
    def all_over(self) -> bool:
        """Whether there are pods, and all were seen to have ended."""
        return bool(self.pods) and all(pods.is_over(pod) for pod in self.pods.values())

    @property
    def newest(self) -> dict[str, Any] | None:
        """The pod that was made last, also where it is gone."""
        known = [*self.gone.values(), *self.pods.values()]
        return max(known, key=lambda pod: pod["metadata"].get("creationTimestamp") or "", default=None)


def verdict(view: View, limits: Limits, now: float) -> End | None:
    """Return how the job has ended; None where it has not."""
    return (
        _by_conditions(view)
        or _deleted(view, now)
        or _cannot_start(view)
        or _lost(view, now)
        or _not_scheduled(view, limits, now)
        or _too_long(view, limits, now)
    )


def next_look(view: View, limits: Limits, now: float) -> float | None:
    """Return in how many seconds the verdict may be another though nothing was heard; None for never."""
    times = [at + _grace(view, name) for name, at in view.leaving.items()]
    if not view.scheduled:
        times.append(view.began + limits.pod_watch)
    if limits.job_watch is not None:
        times.append(view.began + limits.job_watch)
    return max(0.0, min(times) - now) if times else None


def _by_conditions(view: View) -> End | None:
    conditions = ((view.job or {}).get("status") or {}).get("conditions") or []
    held = {each["type"]: each for each in conditions if each.get("status") == "True"}
    if "Complete" in held:
        return End(0)
    if "Failed" not in held:
        return None
    failed = held["Failed"]
    if failed.get("reason") == "DeadlineExceeded":
        return End(-1, "The job took longer than the `activeDeadlineSeconds` of its manifest.")
    pod = view.newest
    words = pods.failure(pod) if pod is not None else ""
    code = pods.exit_code(pod) if pod is not None else None
    said = str(failed.get("message") or failed.get("reason") or "it is not said why").rstrip(".")
    if not words and pod is not None and pod["metadata"]["name"] in view.gone:
        words = "The pod was deleted, by somebody or with its node."
    return End(code or -1, words or f"The job failed: {said}.", ask_events=not words)


def _deleted(view: View, now: float) -> End | None:
    if view.job_gone_at is None:
        return None
    left = [pod for pod in view.pods.values() if not pods.is_over(pod)]
    if any(now < view.job_gone_at + _grace(view, pod["metadata"]["name"]) for pod in left):
        # What runs is asked to end, and has its grace.
        return None
    pod = view.newest
    code = pods.exit_code(pod) if pod is not None else None
    return End(-1 if code is None else code, "The job was deleted, by somebody or by a cancellation.")


def _cannot_start(view: View) -> End | None:
    for pod in view.pods.values():
        words = pods.start_trouble(pod)
        if words:
            return End(-1, words, delete=True)
    return None


def _lost(view: View, now: float) -> End | None:
    if (((view.job or {}).get("spec") or {}).get("backoffLimit") or 0) > 0:
        # Kubernetes makes another pod in its place.
        return None
    for name, pod in view.pods.items():
        if pods.is_lost(pod):
            return End(-1, pods.failure(pod), delete=True)
        if name in view.leaving and now >= view.leaving[name] + _grace(view, name):
            node = pod["spec"].get("nodeName") or "of the pod"
            return End(-1, f"The node {node} was lost: the pod was to end, and nothing was heard of it.", delete=True)
    return None


def _not_scheduled(view: View, limits: Limits, now: float) -> End | None:
    if view.scheduled or view.job_gone_at is not None or now < view.began + limits.pod_watch:
        return None
    more = "or give the job variable `pod_watch_timeout_seconds` more where nodes are started on demand."
    pod = view.newest
    if pod is None:
        words = f"The job has got no pod within {limits.pod_watch:g} seconds."
        return End(-1, words, delete=True, ask_events=True)
    said = pods.why_not_scheduled(pod) or "the scheduler does not say why"
    return End(
        -1,
        f"No node has taken the pod within {limits.pod_watch:g} seconds: {said}. Ask for less by the job variables "
        f"`cpu_request` and `memory_request`, add nodes, {more}",
        delete=True,
    )


def _too_long(view: View, limits: Limits, now: float) -> End | None:
    if limits.job_watch is None or now < view.began + limits.job_watch:
        return None
    return End(
        -1,
        f"The job has not ended within the {limits.job_watch:g} seconds of the job variable "
        "`job_watch_timeout_seconds`.",
        delete=True,
    )


def _grace(view: View, name: str) -> float:
    pod = view.pods.get(name) or {}
    return float((pod.get("metadata") or {}).get("deletionGracePeriodSeconds") or 0) + LOST_AFTER
