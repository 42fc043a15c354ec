"""What flows can do with deployments of themselves. The work is in `antiphon.deployments`, which is loaded when
used."""

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from antiphon.async_code import in_async_code
from antiphon.deployment_options import EntrypointType, Rules, Times
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.flow_serving import aserve
from antiphon.schedules import Schedule

_RUNNER = "antiphon.deployments.runner"
_DEPLOYING = "antiphon.deployments.deploying"


class Deployable:
    """A flow as far as deployments are concerned."""

    name: str

    @dual
    def to_deployment(
        self,
        name: str,
        interval: Times = None,
        cron: Rules = None,
        rrule: Rules = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: Sequence[Schedule] | None = None,
        concurrency_limit: Any = None,
        parameters: Mapping[str, Any] | None = None,
        triggers: Any = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        version_type: str | None = None,
        enforce_parameter_schema: bool = True,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
        _sla: Any = None,
    ) -> Work[Any]:
        """Return a deployment of this flow (a RunnerDeployment), for `deploy` and `serve`. The server hears nothing of
        it yet.

        `interval` (seconds), `cron` and `rrule` are one rule or several; `schedules` have more options; without any of
        them the schedules that the deployment has on the server stay. `concurrency_limit` is a number or a
        ConcurrencyLimitConfig. `version_type` (such as `vcs:git`) has the version found out. In async code this gives a
        coroutine. Raises ValueError for options that do not go together and for a flow that no other process could
        find, TypeError, InvalidNameError.
        """
        options = {key: value for key, value in locals().items() if key not in ("self", "name")}
        runner = importlib.import_module(_RUNNER)
        return runner.deployment_of(self, name, **options)
        yield  # makes it a generator

    ato_deployment = awaitable(to_deployment)

    @dual
    def deploy(
        self,
        name: str,
        work_pool_name: str | None = None,
        image: Any = None,
        build: bool = True,
        push: bool = True,
        work_queue_name: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
        interval: Times = None,
        cron: Rules = None,
        rrule: Rules = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: Sequence[Schedule] | None = None,
        concurrency_limit: Any = None,
        triggers: Any = None,
        parameters: Mapping[str, Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        version_type: str | None = None,
        enforce_parameter_schema: bool = True,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
        print_next_steps: bool = True,
        ignore_warnings: bool = False,
        _sla: Any = None,
    ) -> Work[UUID]:
        """Make this flow a deployment of a work pool, or change the one of this name, and return its id.

        `image` is the name of a Docker image or a DockerImage, which is built and pushed unless `build` and `push` are
        False; without one the code is where `Flow.from_source` has it from, or, for workers on this machine (a pool of
        the type `process`), in the working directory. Other arguments as of `to_deployment`, and so is what it raises;
        besides ObjectNotFound for an unknown work pool, and ServerError where the server refuses.
        """
        given = {key: value for key, value in locals().items() if key != "self"}
        run = ("image", "build", "push", "print_next_steps", "ignore_warnings")
        how = {key: given.pop(key) for key in run}
        how["print_next_steps_message"] = how.pop("print_next_steps")
        deployment = importlib.import_module(_RUNNER).deployment_of(self, **given)
        deploying = importlib.import_module(_DEPLOYING)
        ids: list[UUID] = yield from deploying.deployed([deployment], work_pool_name, **how)
        return ids[0]

    adeploy = awaitable(deploy)

    def serve(
        self,
        name: str | None = None,
        interval: Times = None,
        cron: Rules = None,
        rrule: Rules = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: Sequence[Schedule] | None = None,
        global_limit: Any = None,
        triggers: Any = None,
        parameters: Mapping[str, Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        enforce_parameter_schema: bool = True,
        pause_on_shutdown: bool = True,
        print_starting_message: bool = True,
        limit: int | None = None,
        webserver: bool = False,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
    ) -> Any:
        """Make this flow a deployment, called as the flow unless a `name` is given, and serve it from this program
        until SIGINT or SIGTERM: see `antiphon.serve`.

        `global_limit` is the deployment's own limit, wherever it is served (a number or a ConcurrencyLimitConfig), and
        `limit` that of this program. Other arguments as of `to_deployment`, and so is what it raises; besides
        ValueError for a `webserver`, which there is none of. In async code this gives a coroutine.
        """
        given = {key: value for key, value in locals().items() if key != "self"}
        serving = self._served(given)
        return serving if in_async_code() else asyncio.run(serving)

    async def aserve(self, name: str | None = None, **options: Any) -> None:
        """As `serve`, in async code."""
        await self._served({"name": name, **options})

    async def _served(self, given: dict[str, Any]) -> None:
        if given.pop("webserver", False):
            raise ValueError("Who serves flows has no web server. A worker has a health check: --with-healthcheck.")
        how = {key: given.pop(key) for key in ("pause_on_shutdown", "print_starting_message", "limit") if key in given}
        name = given.pop("name") or self.name
        limit = given.pop("global_limit", None)
        deployment = importlib.import_module(_RUNNER).deployment_of(self, name, concurrency_limit=limit, **given)
        await aserve(deployment, **how)
