"""Deployments: flows as they are meant to run, made and run from code."""

from antiphon.client.schemas.objects import ConcurrencyLimitConfig
from antiphon.deployments.deploying import adeploy, deploy
from antiphon.deployments.flow_runs import arun_deployment, run_deployment
from antiphon.deployments.project import initialize_project
from antiphon.deployments.runner import EntrypointType, RunnerDeployment

__all__ = [
    "ConcurrencyLimitConfig",
    "EntrypointType",
    "RunnerDeployment",
    "adeploy",
    "arun_deployment",
    "deploy",
    "initialize_project",
    "run_deployment",
]
