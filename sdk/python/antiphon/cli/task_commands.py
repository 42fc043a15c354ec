"""`antiphon task`."""

from typing import Annotated

import typer

from antiphon.task_entrypoints import load_task_from_entrypoint, load_tasks_of_module
from antiphon.task_worker import serve

app = typer.Typer(name="task", add_completion=False, help="Run background tasks.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Run background tasks."""


@app.command("serve")
def serve_tasks(
    entrypoints: Annotated[
        list[str] | None,
        typer.Argument(metavar="ENTRYPOINT", help="Which, such as jobs.py:send_invoice.", show_default=False),
    ] = None,
    module: Annotated[
        list[str] | None, typer.Option("--module", "-m", help="All tasks of this module; may be given again.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many runs at a time.")] = 10,
) -> None:
    """Run what `delay` queues for these tasks, until SIGINT or SIGTERM."""
    tasks = [load_task_from_entrypoint(each) for each in entrypoints or ()]
    tasks += [task for name in module or () for task in load_tasks_of_module(name)]
    if not tasks:
        raise typer.BadParameter("Name tasks, such as jobs.py:send_invoice, or a module with --module.")
    serve(*{id(task): task for task in tasks}.values(), limit=limit)
