"""Images that deployments run in."""

import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from antiphon.docker_engine import build_image, push_image
from antiphon.settings import get_current_settings

__all__ = ["DockerImage"]


class DockerImage:
    """An image that `deploy` builds and pushes: of the working directory, by its Dockerfile."""

    def __init__(
        self,
        name: str,
        tag: str | None = None,
        dockerfile: str = "auto",
        stream_progress_to: TextIO | None = sys.__stdout__,
        **build_kwargs: Any,
    ) -> None:
        """`name` may have the tag behind a colon; without one the tag is the time. `dockerfile` is a path, or `auto`
        for one that installs `requirements.txt` and copies the folder. `build_kwargs` go to Docker's build. A name
        without a slash gets the setting `deployments.default_docker_build_namespace` before it. Raises ValueError for
        two tags."""
        own, inside = split_reference(name)
        if tag and inside:
            raise ValueError(f"Two tags were given: {inside!r} in {name!r}, and tag={tag!r}. Give one of them.")
        namespace = get_current_settings().deployments.default_docker_build_namespace
        self.name = f"{namespace}/{own}" if namespace and "/" not in own else own
        self.tag = tag or inside or time_tag()
        self.dockerfile = dockerfile
        self.stream_progress_to = stream_progress_to
        self.build_kwargs = build_kwargs

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"

    def build(self) -> None:
        """Build it. Raises InfrastructureError, AntiphonImportError without the extra `antiphon[docker]`."""
        build_image(self.name, self.dockerfile, [self.tag], self._say, self.build_kwargs)

    def push(self) -> None:
        """Push it to the registry that its name says. Raises as `build`."""
        push_image(self.name, [self.tag], self._say, None)

    def _say(self, line: str) -> None:
        to = self.stream_progress_to
        if to is not None:
            # Whoever has standard output redirected means this too.
            print(line, file=sys.stdout if to is sys.__stdout__ else to, flush=True)

    def __repr__(self) -> str:
        return f"DockerImage({self.reference!r})"


def split_reference(name: str) -> tuple[str, str | None]:
    """Return the name and the tag of an image; a port in the name is none."""
    own, colon, tag = name.rpartition(":")
    return (own, tag) if colon and "/" not in tag else (name, None)


def time_tag() -> str:
    """Return a tag that says when, such as 2026-11-27t10-00-00-000000z."""
    return datetime.now(UTC).strftime("%Y-%m-%dt%H-%M-%S-%fz")
