"""`antiphon work-pool get-default-base-job-template`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.output import make_console, write_text
from antiphon.cli.worker_class import worker_class_of


def get_default_base_job_template(
    type_: Annotated[str, typer.Option("--type", "-t", help="Of workers of this type, such as process.")],
    file: Annotated[
        Path | None, typer.Option("--file", "-f", dir_okay=False, help="Write it to this file.", show_default=False)
    ] = None,
) -> None:
    """Print the job template that work pools of a type have where nobody gives another, as JSON."""
    text = json.dumps(worker_class_of(type_).get_default_base_job_template(), indent=2) + "\n"
    if file is None:
        print(text, end="")
        return
    write_text(file, text)
    make_console().print(f"The template is in {file}.", markup=False)
