"""Blocks for Docker."""

from antiphon.blocks.docker import DockerRegistryCredentials

__all__ = ["DockerRegistryCredentials"]
