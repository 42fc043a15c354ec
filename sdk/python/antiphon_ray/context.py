"""Options of Ray for tasks."""

from antiphon.runners.on_ray import remote_options

__all__ = ["remote_options"]
