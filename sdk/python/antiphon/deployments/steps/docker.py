"""Steps that build and push images. They need the extra `antiphon[docker]`."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypedDict

from antiphon.docker import split_reference, time_tag
from antiphon.docker_engine import build_image, push_image
from antiphon.engine.dual import Work, ask, awaitable, dual

__all__ = [
    "BuildDockerImageResult",
    "abuild_docker_image",
    "apush_docker_image",
    "build_docker_image",
    "push_docker_image",
]


class BuildDockerImageResult(TypedDict, total=False):
    """An image: `image` is its name and its tag."""

    image_name: str
    tag: str
    image: str
    image_id: str
    additional_tags: list[str]


@dual
def build_docker_image(
    image_name: str,
    dockerfile: str = "Dockerfile",
    tag: str | None = None,
    additional_tags: list[str] | None = None,
    **build_kwargs: Any,
) -> Work[BuildDockerImageResult]:
    """Build an image of the working directory and return what it is called.

    `dockerfile` is a path, or `auto` for one that installs `requirements.txt` and copies the folder; without a tag that
    is the time; `build_kwargs` go to Docker's build. In async code this gives a coroutine. Raises InfrastructureError.
    """
    name, tag = _name_and_tag(image_name, tag)
    more = additional_tags or []
    id = yield from ask(partial(build_image, name, dockerfile, [tag, *more], print, build_kwargs))
    return {"image_name": name, "tag": tag, "image": f"{name}:{tag}", "image_id": id, "additional_tags": more}


@dual
def push_docker_image(
    image_name: str,
    tag: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    additional_tags: list[str] | None = None,
) -> Work[BuildDockerImageResult]:
    """Push an image to the registry that its name says, and return what it is called.

    `credentials` have username and password; without them those of this machine's Docker count. In async code this
    gives a coroutine. Raises InfrastructureError.
    """
    own, inside = split_reference(image_name)
    tag = tag or inside or "latest"
    more = additional_tags or []
    yield from ask(partial(push_image, own, [tag, *more], print, credentials))
    return {"image_name": own, "tag": tag, "image": f"{own}:{tag}", "additional_tags": more}


abuild_docker_image = awaitable(build_docker_image)
apush_docker_image = awaitable(push_docker_image)


def _name_and_tag(image_name: str, tag: str | None) -> tuple[str, str]:
    own, inside = split_reference(image_name)
    return own, tag or inside or time_tag()
