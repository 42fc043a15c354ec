"""A cache key of one's own: the digest of a file, so that a task runs again when the file has changed.

`cache_key_fn` gets the task run's context and the arguments, and returns text, or None where nothing is to be cached.

Prints:
    counting notes.txt
    unchanged: Cached, 2 lines
    counting notes.txt
    changed: Completed, 3 lines
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from antiphon import flow, task
from antiphon.context import TaskRunContext


def digest_of_file(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    return f"{context.task.name}-{hashlib.sha256(parameters['file'].read_bytes()).hexdigest()}"


@task(cache_key_fn=digest_of_file)
def count_lines(file: Path) -> int:
    print(f"counting {file.name}")
    return len(file.read_text().splitlines())


@flow
def count(file: Path) -> None:
    file.write_text("first\nsecond\n")
    count_lines(file)
    state = count_lines(file, return_state=True)
    print(f"unchanged: {state.name}, {state.result()} lines")
    file.write_text("first\nsecond\nthird\n")
    state = count_lines(file, return_state=True)
    print(f"changed: {state.name}, {state.result()} lines")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        count.with_options(result_storage=f"{folder}/results")(Path(folder, "notes.txt"))
