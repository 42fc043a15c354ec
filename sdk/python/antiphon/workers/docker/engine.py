"""A Docker engine, and what its errors mean. Everything here blocks; it needs the package `docker`."""

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from antiphon.exceptions import InfrastructureError, InfrastructureNotAvailable
from antiphon.workers.patience import Patience

T = TypeVar("T")

#: What a lost connection is raised as, by the package and by what it is made of.
_LOST = (RequestException, OSError)


class Unreachable(InfrastructureError):
    """The engine has not answered for too long."""


def open_client() -> AbstractContextManager[Any]:
    """Return a `docker.DockerClient` of the engine that DOCKER_HOST says, else of this machine's, to be closed.

    Raises InfrastructureNotAvailable where there is none.
    """
    try:
        return contextlib.closing(docker.from_env())
    except DockerException as error:
        raise InfrastructureNotAvailable(
            f"No Docker engine answers: {error}. Start it, or set DOCKER_HOST to where it is, and see that this user "
            "may use it: `docker version` must work."
        ) from error


def translated(work: Callable[..., T], *arguments: Any) -> T:
    """Return what the work returns. Raises InfrastructureNotAvailable where the engine goes away meanwhile, and
    InfrastructureError where it refuses."""
    try:
        return work(*arguments)
    except APIError as error:
        raise InfrastructureError(f"The Docker engine could not do it: {explanation(error)}.") from error
    except _LOST as error:
        raise InfrastructureNotAvailable(
            f"The Docker engine went away: {explanation(error)}. See that it runs: `docker version` must work."
        ) from error


def explanation(error: Exception) -> str:
    """Return what the engine said."""
    said = getattr(error, "explanation", None) or error
    return str(said).strip().rstrip(".")


class Asking:
    """Asks an engine again that does not answer, as when it is restarted: containers may outlive that."""

    def __init__(self, patience: Patience, given_up: threading.Event) -> None:
        """`given_up` ends all waiting."""
        self._patience = patience
        self._given_up = given_up

    def rest(self, seconds: float) -> None:
        """Wait before the next question. Raises Unreachable where nobody waits for the answer any more."""
        if self._given_up.wait(seconds):
            raise Unreachable("The container is not watched any more.")

    def ask(self, call: Callable[[], T]) -> T:
        """Return the answer. Raises APIError for one that is no use to repeat, Unreachable."""
        while True:
            try:
                answer = call()
            except APIError as error:
                if not error.is_server_error():
                    raise
                self._wait(error)
            except _LOST as error:
                self._wait(error)
            else:
                self._patience.heard()
                return answer

    def _wait(self, error: Exception) -> None:
        if self._patience.over or self._given_up.wait(self._patience.pause()):
            raise Unreachable(
                f"The Docker engine has not answered for {self._patience.seconds:g} seconds: {explanation(error)}. The "
                "container may still run: look with `docker ps` on its machine."
            ) from error
