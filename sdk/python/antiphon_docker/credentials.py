"""Blocks for Docker."""

from antiphon.workers.docker.credentials import DockerRegistryCredentials

__all__ = ["DockerRegistryCredentials"]
