"""What the status of a pod says, in words. Pure: it reads what the API server tells, and asks nobody."""

from collections.abc import Iterator
from typing import Any

from antiphon.workers.ends import exit_words

#: The kubelet tries again to pull, and does not say that it is in vain; these say so.
_IN_VAIN = (
    "not found",
    "manifest unknown",
    "denied",
    "unauthorized",
    "authentication required",
    "no basic auth",
    "no such host",
    "invalid reference",
)


def _conditions(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in _status(pod).get("conditions") or []}


def _status(pod: dict[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = pod.get("status") or {}
    return status


def _states(pod: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Container, `waiting`, `running` or `terminated`, and the facts; those that come before the others first."""
    status = _status(pod)
    for each in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        for kind, facts in (each.get("state") or {}).items():
            yield each["name"], kind, facts or {}


def _main(pod: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The state of the container that the run runs in."""
    name = pod["spec"]["containers"][0]["name"]
    for each in _status(pod).get("containerStatuses") or []:
        if each["name"] == name:
            for kind, facts in (each.get("state") or {}).items():
                return kind, facts or {}
    return "", {}


def is_scheduled(pod: dict[str, Any]) -> bool:
    """Whether a node has it."""
    scheduled = _conditions(pod).get("PodScheduled", {}).get("status") == "True"
    return scheduled or bool(pod["spec"].get("nodeName")) or _status(pod).get("phase") not in (None, "Pending")


def has_started(pod: dict[str, Any]) -> bool:
    """Whether there can be output."""
    return _main(pod)[0] in ("running", "terminated")


def is_over(pod: dict[str, Any]) -> bool:
    """Whether all of it has ended."""
    return _status(pod).get("phase") in ("Succeeded", "Failed")


def is_lost(pod: dict[str, Any]) -> bool:
    """Whether nothing is heard of its node any more."""
    return not is_over(pod) and (_status(pod).get("reason") == "NodeLost" or _status(pod).get("phase") == "Unknown")


def why_not_scheduled(pod: dict[str, Any]) -> str:
    """Return what the scheduler says; empty where it says nothing."""
    return str(_conditions(pod).get("PodScheduled", {}).get("message") or "").rstrip(".")


def start_trouble(pod: dict[str, Any]) -> str:
    """Return why it cannot start, where that will not mend itself; else empty."""
    for name, kind, facts in _states(pod):
        if kind == "waiting":
            words = _waiting_words(pod, name, str(facts.get("reason") or ""), str(facts.get("message") or ""))
            if words:
                return words
    return ""


def _waiting_words(pod: dict[str, Any], name: str, reason: str, message: str) -> str:
    said = message.rstrip(".") or reason
    image = next((each.get("image") for each in _containers(pod) if each["name"] == name), "")
    if reason == "InvalidImageName":
        return f"The image {image!r} has a name that is none: {said}. Correct the job variable `image`."
    if reason == "ErrImageNeverPull":
        return (
            f"The image {image} is not on the node, and the job variable `image_pull_policy` is Never. Use "
            "IfNotPresent, or put the image there before."
        )
    if reason == "ImagePullBackOff" or (reason == "ErrImagePull" and any(each in said.lower() for each in _IN_VAIN)):
        return f"The image {image} could not be pulled ({reason}): {said}. {_pull_step(said)}"
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"):
        return f"The container {name} could not be started ({reason}): {said}. {_start_step(said)}"
    return ""


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _pull_step(said: str) -> str:
    if any(each in said.lower() for each in ("denied", "unauthorized", "authentication", "no basic auth")):
        return (
            "Where the image is private, give the pod an `imagePullSecrets` in the job manifest, or the service "
            "account of the job variable `service_account_name` one."
        )
    return "Check the job variable `image`, that the image was pushed, and that the nodes reach its registry."


def _start_step(said: str) -> str:
    if "executable file not found" in said or "no such file" in said:
        return "Is the command in the image, and is Antiphon installed there?"
    if "secret" in said or "configmap" in said:
        return "Make it in the namespace of the job, or take it out of the job manifest."
    return "Check the job manifest and the image."


def exit_code(pod: dict[str, Any]) -> int | None:
    """Return the exit code of the run's container; None where it has none."""
    kind, facts = _main(pod)
    code = facts.get("exitCode") if kind == "terminated" else None
    return int(code) if code is not None else None


def failure(pod: dict[str, Any]) -> str:
    """Return why it has failed; empty where it has not."""
    status = _status(pod)
    if is_lost(pod):
        node = pod["spec"].get("nodeName")
        return f"The node {node or 'of the pod'} was lost: nothing is heard of it any more. See `kubectl get nodes`."
    if status.get("phase") != "Failed":
        return ""
    name, facts = next(((n, f) for n, kind, f in _states(pod) if kind == "terminated" and f.get("exitCode")), ("", {}))
    if facts.get("reason") == "OOMKilled":
        return _out_of_memory(pod, name, int(facts["exitCode"]))
    disrupted = _disruption(pod)
    if disrupted:
        return disrupted
    if facts:
        more = f": {str(facts['message']).strip()}" if facts.get("message") else ""
        return f"The container {name} ended with {exit_words(int(facts['exitCode']))}{more}."
    return f"The pod failed: {status.get('message') or status.get('reason') or 'it is not said why'}."


def _out_of_memory(pod: dict[str, Any], name: str, code: int) -> str:
    container = next(each for each in _containers(pod) if each["name"] == name)
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    more = f" more than its limit of {limit}" if limit else " more than the node had"
    return (
        f"Out of memory: the container {name} used{more}, and was killed ({exit_words(code)}). Give it more by the job "
        "variable `memory_limit`, or use less."
    )


def _disruption(pod: dict[str, Any]) -> str:
    status = _status(pod)
    said = str(status.get("message") or "").strip().rstrip(".")
    if status.get("reason") == "Evicted":
        return (
            f"The pod was evicted from its node: {said or 'it is not said why'}. Ask for what it needs by the job "
            "variables `memory_request` and `cpu_request`, so that it is put where there is room."
        )
    if status.get("reason") == "DeadlineExceeded":
        return f"The pod took longer than its `activeDeadlineSeconds`: {said}."
    target = _conditions(pod).get("DisruptionTarget", {})
    if target.get("status") == "True":
        words = {
            "PreemptionByScheduler": "it had to make room for a pod of a higher priority",
            "DeletionByTaintManager": "its node does not take it any more, or was lost",
            "EvictionByEvictionAPI": "it was evicted, as when a node is drained",
            "DeletionByPodGC": "its node is gone",
            "TerminationByKubelet": "its node ran out of something, or is shut down",
        }
        reason = str(target.get("reason") or "")
        return f"The pod was ended by the cluster ({reason}): {words.get(reason) or target.get('message') or reason}."
    return ""
