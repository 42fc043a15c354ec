"""`serve`: flows run from the program that has them, when their deployments say so."""

import asyncio
import importlib
from typing import Any

from antiphon.async_code import in_async_code

#: Loaded at first use: whoever imports flows may never serve any.
_RUNNER = "antiphon.runner.runner"


def serve(
    *args: Any,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    **kwargs: Any,
) -> Any:
    """Serve deployments (`flow.to_deployment(...)`) from this program, until SIGINT or SIGTERM: their runs begin the
    moment that they are due, each in a process of its own, at most `limit` at a time (setting `runner.process_limit`).

    With `pause_on_shutdown` their schedules are paused when it stops. In async code this gives a coroutine. Raises
    ValueError without deployments and for one of a work pool, TypeError for what is no deployment, ServerUnreachable
    where no server is found.
    """
    serving = aserve(
        *args,
        pause_on_shutdown=pause_on_shutdown,
        print_starting_message=print_starting_message,
        limit=limit,
        **kwargs,
    )
    return serving if in_async_code() else asyncio.run(serving)


async def aserve(
    *args: Any,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    **kwargs: Any,
) -> None:
    """As `serve`, in async code."""
    if kwargs:
        raise TypeError(f"serve() has no argument {next(iter(kwargs))!r}.")
    module = importlib.import_module(_RUNNER)
    deployments = _checked(args, module.RunnerDeployment)
    await module.served(
        deployments,
        pause_on_shutdown=pause_on_shutdown,
        limit=limit,
        started=(lambda _: print(starting_message(deployments))) if print_starting_message else None,
    )


def _checked(given: tuple[Any, ...], kind: type) -> list[Any]:
    if not given:
        raise ValueError("There is no deployment to serve. Name at least one: `serve(my_flow.to_deployment('name'))`.")
    for each in given:
        if not isinstance(each, kind):
            hint = ""
            if isinstance(each, list | tuple):
                hint = " Put a star before a list: `serve(*deployments)`."
            elif hasattr(each, "to_deployment"):
                hint = f" Make one of it: `serve({each.fn.__name__}.to_deployment('name'))`."
            raise TypeError(f"serve takes deployments, not {type(each).__name__}: {each!r}.{hint}")
    return list(given)


def starting_message(deployments: list[Any]) -> str:
    """What people are told when deployments are served."""
    lines = [f"  {each.full_name}" for each in deployments]
    return "\n".join(
        [
            "These deployments are served, and wait for runs:",
            *lines,
            "",
            f"To run one now: antiphon deployment run '{deployments[0].full_name}'",
            "To stop: Ctrl-C.",
        ]
    )
