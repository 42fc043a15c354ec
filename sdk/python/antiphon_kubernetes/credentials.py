"""Blocks for Kubernetes."""

from antiphon.workers.kubernetes.credentials import KubernetesClusterConfig

__all__ = ["KubernetesClusterConfig"]
