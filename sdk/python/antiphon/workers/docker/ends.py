"""Words for how a container has ended."""

from collections.abc import Sequence
from typing import Protocol

from antiphon.workers.docker.configuration import DockerWorkerJobConfiguration
from antiphon.workers.ends import exit_words, with_last_lines


class End(Protocol):
    """What is known of an end."""

    @property
    def exit_code(self) -> int: ...
    @property
    def out_of_memory(self) -> bool: ...
    @property
    def error(self) -> str: ...
    @property
    def removed(self) -> bool: ...


def end_message(end: End, job: DockerWorkerJobConfiguration, lines: Sequence[str]) -> str:
    """Return why a container has ended, for people; empty where all went well."""
    if end.exit_code == 0:
        return ""
    if end.removed and end.exit_code < 0:
        return with_last_lines("The container was removed by somebody before its end was seen.", lines)
    return with_last_lines(_reason(end, job), lines)


def _reason(end: End, job: DockerWorkerJobConfiguration) -> str:
    words = f"The container ended with {exit_words(end.exit_code)}"
    if end.out_of_memory:
        limit = f", more than its limit of {job.mem_limit}" if job.mem_limit else ""
        return (
            f"Out of memory: the container used more memory than there was{limit}, and was killed "
            f"({exit_words(end.exit_code)}). Give it more by the job variable `mem_limit`, or use less."
        )
    if end.error:
        return f"{words}: {end.error.rstrip('.')}."
    if end.exit_code == 137:
        return f"{words}: it was killed, by somebody or because its machine ran out of memory."
    return f"{words}."
