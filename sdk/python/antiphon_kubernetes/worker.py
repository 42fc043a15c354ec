"""The worker of the type `kubernetes`."""

from antiphon.workers.kubernetes import (
    KubernetesWorker,
    KubernetesWorkerJobConfiguration,
    KubernetesWorkerResult,
    KubernetesWorkerVariables,
)
from antiphon.workers.kubernetes.configuration import KubernetesImagePullPolicy

__all__ = [
    "KubernetesImagePullPolicy",
    "KubernetesWorker",
    "KubernetesWorkerJobConfiguration",
    "KubernetesWorkerResult",
    "KubernetesWorkerVariables",
]
