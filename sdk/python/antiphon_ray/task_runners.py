"""The task runner for Ray."""

from antiphon.runners.on_ray import RayTaskRunner

__all__ = ["RayTaskRunner"]
