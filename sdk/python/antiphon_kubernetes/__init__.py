"""Flow runs in Kubernetes jobs. Needs the extra `antiphon[kubernetes]`."""

from antiphon_kubernetes.credentials import KubernetesClusterConfig
from antiphon_kubernetes.worker import KubernetesWorker

__all__ = ["KubernetesClusterConfig", "KubernetesWorker"]
