"""Whether a job has ended, and how: judged from what is known, without a clock or an API."""

from typing import Any

import pytest

from antiphon.workers.kubernetes.verdicts import LOST_AFTER, End, Limits, View, next_look, verdict

LIMITS = Limits(pod_watch=60, job_watch=None)
FAILED = {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}
COMPLETE = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}


def pod(phase: str = "Running", *, name: str = "p", state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "creationTimestamp": more.pop("created", "2026-11-27T10:00:00Z"),
        **more.pop("metadata", {}),
    }
    spec = {"containers": [{"name": "main", "image": "i:1"}, {"name": "side", "image": "s:1"}], "nodeName": "n1"}
    spec |= more.pop("spec", {})
    statuses = [{"name": "main", "state": state}] if state is not None else []
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase, "containerStatuses": statuses, **more}}


def ended(code: int, **facts: Any) -> dict[str, Any]:
    return pod("Succeeded" if code == 0 else "Failed", state={"terminated": {"exitCode": code, **facts}})


def seen(*pods: dict[str, Any], job: dict[str, Any] | None = None, now: float = 0) -> View:
    view = View(began=0)
    view.see_job(job or {"spec": {"backoffLimit": 0}})
    for each in pods:
        view.see_pod(each, now)
    return view


def end_of(view: View, now: float = 0, limits: Limits = LIMITS) -> End:
    end = verdict(view, limits, now)
    assert end is not None
    return end


def test_what_goes_on_has_no_end() -> None:
    assert verdict(seen(pod()), LIMITS, 1e6) is None
    assert next_look(seen(pod()), LIMITS, 1e6) is None
    assert verdict(seen(pod("Failed", reason="Evicted")), LIMITS, 0) is None, "the job says when it is over"


def test_all_went_well() -> None:
    assert end_of(seen(ended(0), job=COMPLETE)) == End(0)


@pytest.mark.parametrize(
    ("last", "code", "words"),
    [
        (ended(3), 3, "container main ended with exit code 3."),
        (ended(3, message="boom"), 3, "exit code 3: boom."),
        (ended(137), 137, "exit code 137 (SIGKILL)."),
        (ended(137, reason="OOMKilled"), 137, "more than the node had, and was killed (exit code 137 (SIGKILL))"),
        (pod("Failed", reason="Evicted", message="low on memory"), -1, "evicted from its node: low on memory."),
        (pod("Failed", reason="DeadlineExceeded", message="was active too long"), -1, "`activeDeadlineSeconds`"),
        (pod("Failed", message="no reason"), -1, "The pod failed: no reason."),
        (
            pod(
                "Failed", conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
            ),
            -1,
            "(PreemptionByScheduler): it had to make room for a pod of a higher priority.",
        ),
        (
            pod(
                "Failed", conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "New", "message": "why"}]
            ),
            -1,
            "(New): why.",
        ),
    ],
)
def test_the_pod_says_why_the_job_failed(last: dict[str, Any], code: int, words: str) -> None:
    end = end_of(seen(last, job=FAILED))
    assert end.exit_code == code and words in end.message and not end.delete and not end.ask_events


def test_a_limit_of_memory_is_named() -> None:
    limited = ended(137, reason="OOMKilled")
    limited["spec"]["containers"][0]["resources"] = {"limits": {"memory": "1Gi"}}
    assert "more than its limit of 1Gi" in end_of(seen(limited, job=FAILED)).message


def test_the_newest_pod_counts() -> None:
    old = ended(1)
    new = ended(2)
    new["metadata"] |= {"name": "q", "creationTimestamp": "2026-11-27T10:00:05Z"}
    assert end_of(seen(new, old, job=FAILED)).exit_code == 2


def test_a_job_that_failed_without_a_pod() -> None:
    job = {"status": {"conditions": [{"type": "Failed", "status": "True", "message": "no pods."}]}}
    assert end_of(seen(job=job)) == End(-1, "The job failed: no pods.", ask_events=True)
    deadline = {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}}
    assert "`activeDeadlineSeconds`" in end_of(seen(job=deadline)).message


def test_a_pod_that_was_deleted() -> None:
    view = seen(pod(), job=FAILED)
    view.lose_pod("p")
    assert end_of(view).message == "The pod was deleted, by somebody or with its node."


def test_no_node() -> None:
    waiting = pod("Pending", spec={"nodeName": None})
    view = seen(waiting)
    assert verdict(view, LIMITS, 59.9) is None and next_look(view, LIMITS, 50) == pytest.approx(10)
    assert end_of(view, 60).delete and "the scheduler does not say why" in end_of(view, 60).message
    view.see_pod(pod("Pending"), 59)
    assert verdict(view, LIMITS, 1e6) is None, "pulling takes its time"


def test_no_pod() -> None:
    end = end_of(seen(), 60)
    assert end.delete and end.ask_events and "has got no pod" in end.message


def test_too_long() -> None:
    limits = Limits(60, 100)
    assert verdict(seen(pod()), limits, 99) is None and next_look(seen(pod()), limits, 99) == pytest.approx(1)
    assert end_of(seen(pod()), 100, limits).delete


@pytest.mark.parametrize("lost", [pod(reason="NodeLost"), pod("Unknown")])
def test_a_lost_node(lost: dict[str, Any]) -> None:
    end = end_of(seen(lost))
    assert end.delete and "The node n1 was lost" in end.message
    again = seen(lost, job={"spec": {"backoffLimit": 2}})
    assert verdict(again, LIMITS, 1e6) is None, "another pod comes in its place"


def test_a_pod_that_does_not_end() -> None:
    leaving = pod(metadata={"deletionTimestamp": "2026-11-27T10:00:00Z", "deletionGracePeriodSeconds": 30})
    view = seen(leaving, now=10)
    assert next_look(view, LIMITS, 10) == pytest.approx(30 + LOST_AFTER)
    view.see_pod(leaving, 50)
    assert verdict(view, LIMITS, 10 + 29 + LOST_AFTER) is None
    assert "nothing was heard of it" in end_of(view, 10 + 30 + LOST_AFTER).message


def test_a_job_that_was_deleted() -> None:
    leaving = pod(metadata={"deletionTimestamp": "2026-11-27T10:00:00Z", "deletionGracePeriodSeconds": 30})
    view = seen(leaving)
    view.job_gone_at = 0
    assert verdict(view, LIMITS, 1) is None, "the pod has its grace"
    view.see_pod(ended(143), 2)
    assert (end_of(view, 2).exit_code, end_of(view, 2).delete) == (143, False)
    view.lose_pod("p")
    assert end_of(view, 2).exit_code == 143, "what was seen last counts"


@pytest.mark.parametrize(
    ("reason", "message", "ends"),
    [
        ("ContainerCreating", "", False),
        ("PodInitializing", "", False),
        ("CrashLoopBackOff", "", False),
        ("ErrImagePull", "i/o timeout", False),
        ("ErrImagePull", "manifest unknown", True),
        ("ImagePullBackOff", "", True),
        ("InvalidImageName", "", True),
        ("CreateContainerError", "", True),
    ],
)
@pytest.mark.parametrize("kind", ["containerStatuses", "initContainerStatuses"])
def test_what_does_not_mend_itself_ends_it(reason: str, message: str, ends: bool, kind: str) -> None:
    waiting = pod("Pending", spec={"initContainers": [{"name": "first", "image": "f:1"}]})
    name = "main" if kind == "containerStatuses" else "first"
    waiting["status"][kind] = [{"name": name, "state": {"waiting": {"reason": reason, "message": message}}}]
    end = verdict(seen(waiting), LIMITS, 0)
    assert (end is not None) == ends
    assert end is None or end.delete
