"""Steps of deployments: what brings their code to where it runs, and what builds and pushes it before.

Each serves sync and async code: where an event loop runs it gives a coroutine.
"""

from antiphon.deployments.steps.core import run_step, run_steps
from antiphon.deployments.steps.docker import build_docker_image, push_docker_image
from antiphon.deployments.steps.pull import (
    git_clone,
    pull_from_remote_storage,
    pull_with_block,
    set_working_directory,
)
from antiphon.deployments.steps.utility import pip_install_requirements, run_shell_script

__all__ = [
    "build_docker_image",
    "git_clone",
    "pip_install_requirements",
    "pull_from_remote_storage",
    "pull_with_block",
    "push_docker_image",
    "run_shell_script",
    "run_step",
    "run_steps",
    "set_working_directory",
]
