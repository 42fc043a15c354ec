"""Blocks for Kubernetes."""

from antiphon.blocks.kubernetes import KubernetesClusterConfig

__all__ = ["KubernetesClusterConfig"]
