"""Workers that run each flow run in a Kubernetes job. Needs the extra `antiphon[kubernetes]`."""

from antiphon.workers.kubernetes.configuration import KubernetesWorkerJobConfiguration, KubernetesWorkerVariables
from antiphon.workers.kubernetes.worker import KubernetesWorker, KubernetesWorkerResult

__all__ = [
    "KubernetesWorker",
    "KubernetesWorkerJobConfiguration",
    "KubernetesWorkerResult",
    "KubernetesWorkerVariables",
]
