"""`deploy`: deployments for work pools, with the images that they run in."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from antiphon.deployments.applying import applied, pool_named
from antiphon.deployments.runner import RunnerDeployment
from antiphon.docker import DockerImage, split_reference
from antiphon.docker_engine import CODE_FOLDER
from antiphon.engine.dual import Work, ask, awaitable, dual
from antiphon.exceptions import AntiphonException, ConfigurationError
from antiphon.v1.work_pool_pb2 import WorkPool

#: The type of pools whose workers run flows as processes of their own machine.
_PROCESS = "process"


@dual
def deploy(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: "str | DockerImage | None" = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
    ignore_warnings: bool = False,
) -> Work[list[UUID]]:
    """Make deployments of a work pool, or change those of the same names, and return their ids in order.

    `image` is the name of a Docker image or a DockerImage for all of them, which is built and pushed unless `build` and
    `push` are False. Without one the code is where `Flow.from_source` has it from, or, for workers on this machine (a
    pool of the type `process`), in the working directory. `work_pool_name` counts for deployments that name none; where
    nothing names one, the setting `deployments.default_work_pool_name` does.

    In async code this gives a coroutine. Raises ValueError for a pool that cannot run this, ObjectNotFound for one that
    is not there, InfrastructureError where the image is not built or pushed. Where the server refuses some of several,
    the others are made, and ConfigurationError says which were not and why.
    """
    return (
        yield from deployed(deployments, work_pool_name, image, build, push, print_next_steps_message, ignore_warnings)
    )


adeploy = awaitable(deploy)


def deployed(
    deployments: Sequence[RunnerDeployment],
    work_pool_name: str | None,
    image: "str | DockerImage | None" = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
    ignore_warnings: bool = False,
) -> Work[list[UUID]]:
    """The work of `deploy`."""
    if not deployments:
        raise ValueError("There is nothing to deploy: give deployments, as my_flow.to_deployment(...) makes them.")
    pools = []
    for deployment in deployments:
        pool = yield from pool_named(deployment.work_pool_name or work_pool_name)
        _check_fit(deployment, pool, image, ignore_warnings)
        pools.append(pool)
    reference = (yield from _prepared(image, build, push)) if image is not None else None
    ids = yield from _all_applied(deployments, pools, reference)
    if print_next_steps_message:
        _print_next_steps(deployments, pools)
    return ids


def _check_fit(deployment: RunnerDeployment, pool: WorkPool, image: Any, ignore_warnings: bool) -> None:
    """Raises ValueError where the workers of a pool could not have the code."""
    if pool.type == _PROCESS:
        if image is not None:
            raise ValueError(
                f"The work pool {pool.name!r} runs processes, and no images. Leave the image out, or name a pool of "
                "another type, such as docker."
            )
        return
    if image is None and deployment.storage is None and not deployment.pull_steps:
        raise ValueError(
            f"The workers of the pool {pool.name!r} (type {pool.type!r}) could not have the code of "
            f"{deployment.full_name!r}. Give an image, which is built of it, or say where the code is by "
            "Flow.from_source(...).deploy(...)."
        )
    if image is None and _is_local(deployment) and not ignore_warnings:
        warnings.warn(
            f"The code of {deployment.full_name!r} is in a folder of this machine, and the workers of the pool "
            f"{pool.name!r} (type {pool.type!r}) may run on others.",
            stacklevel=2,
        )


def _is_local(deployment: RunnerDeployment) -> bool:
    return deployment.storage is not None and "set_working_directory" in str(deployment.storage.to_pull_step())


def _prepared(image: "str | DockerImage", build: bool, push: bool) -> Work[str]:
    """Builds and pushes the image; gives what it is called."""
    # One that is not built here has the tag that registries take without one.
    untagged = isinstance(image, str) and not build and split_reference(image)[1] is None
    made = DockerImage(image, "latest" if untagged else None) if isinstance(image, str) else image
    if build:
        yield from ask(made.build)
        if push:
            yield from ask(made.push)
    return made.reference


def _all_applied(deployments: Sequence[RunnerDeployment], pools: list[WorkPool], image: str | None) -> Work[list[UUID]]:
    ids, problems = [], []
    for deployment, pool in zip(deployments, pools, strict=True):
        ready = _with_code_in_image(deployment) if image is not None else deployment
        try:
            answer = yield from applied(ready, work_pool_name=pool.name, image=image)
        except AntiphonException as error:
            if len(deployments) == 1:
                raise
            problems.append(f"{deployment.full_name}: {error}")
        else:
            ids.append(UUID(answer.deployment.id))
    if problems:
        raise ConfigurationError(
            f"{len(problems)} of {len(deployments)} deployments were not made:\n" + "\n".join(problems)
        )
    return ids


def _with_code_in_image(deployment: RunnerDeployment) -> RunnerDeployment:
    """Where the code comes from no storage, it is where the image has it."""
    if deployment.storage is not None or deployment.pull_steps:
        return deployment
    return deployment.model_copy(update={"path": f"{CODE_FOLDER}/{Path.cwd().name}"})


def _print_next_steps(deployments: Sequence[RunnerDeployment], pools: list[WorkPool]) -> None:
    for deployment in deployments:
        print(f"Deployed {deployment.full_name}. Start a run: antiphon deployment run '{deployment.full_name}'")
    for name in dict.fromkeys(pool.name for pool in pools):
        print(f"Its runs wait for a worker of the pool {name}: antiphon worker start --pool '{name}'")
