"""Images built and pushed by a Docker engine, through the package `docker` (the extra `antiphon[docker]`)."""

import importlib
import platform
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from antiphon.exceptions import AntiphonImportError, InfrastructureError

#: Where the code is in an image whose Dockerfile was written here.
CODE_FOLDER = "/opt/antiphon"


def build_image(
    name: str, dockerfile: str, tags: Iterable[str], say: Callable[[str], None], options: Mapping[str, Any]
) -> str:
    """Build an image of the working directory, and return its id.

    `dockerfile` is a path, or `auto` for one that installs `requirements.txt` and copies the folder. `options` go to
    the engine's build. Raises InfrastructureError where that cannot be reached or the build fails.
    """
    first, *others = tags
    with _engine() as engine, _dockerfile(dockerfile) as file:
        arguments = {"path": ".", "pull": True, "rm": True, **options}
        events = engine.api.build(dockerfile=file, tag=f"{name}:{first}", decode=True, **arguments)
        id = _followed(events, f"The image {name}:{first} was not built", say) or f"{name}:{first}"
        for other in others:
            engine.api.tag(f"{name}:{first}", name, other)
    return id


def push_image(
    name: str, tags: Iterable[str], say: Callable[[str], None], credentials: Mapping[str, Any] | None
) -> None:
    """Push an image by each of its tags. Raises InfrastructureError where the registry does not take it."""
    with _engine() as engine:
        login = None
        if credentials:
            login = {"username": credentials.get("username"), "password": credentials.get("password")}
        for tag in tags:
            events = engine.api.push(name, tag=tag, stream=True, decode=True, auth_config=login)
            _followed(events, f"The image {name}:{tag} was not pushed", say)


def generated_dockerfile(folder: Path) -> str:
    """Return a Dockerfile for the flows in a folder."""
    version = ".".join(platform.python_version_tuple()[:2])
    own = f"{CODE_FOLDER}/{folder.name}"
    lines = [f"FROM python:{version}-slim", "RUN pip install --no-cache-dir antiphon"]
    if (folder / "requirements.txt").is_file():
        lines += [f"COPY requirements.txt {own}/requirements.txt"]
        lines += [f"RUN pip install --no-cache-dir -r {own}/requirements.txt"]
    return "\n".join([*lines, f"COPY . {own}/", f"WORKDIR {own}", ""])


@contextmanager
def _dockerfile(given: str) -> Iterator[str]:
    """The path of the Dockerfile to use. One that is written here is outside of the folder, and gone afterwards."""
    if given != "auto":
        if not Path(given).is_file():
            raise InfrastructureError(
                f"There is no Dockerfile {given!r} in {Path.cwd()}. Write one, or `auto` to have it made."
            )
        yield str(Path(given).resolve())
        return
    with tempfile.TemporaryDirectory(prefix="antiphon-dockerfile-") as folder:
        file = Path(folder, "Dockerfile")
        file.write_text(generated_dockerfile(Path.cwd()))
        yield str(file)


@contextmanager
def _engine() -> Iterator[Any]:
    """A client of the engine that DOCKER_HOST says, or the one of this machine; its errors become ours."""
    try:
        docker = importlib.import_module("docker")
    except ImportError as error:
        raise AntiphonImportError(
            "Images are built by the package `docker`, which is not installed. Install antiphon[docker]."
        ) from error
    try:
        engine = docker.from_env()
    except docker.errors.DockerException as error:
        raise InfrastructureError(
            f"No Docker engine answers: {error}. Start it, or set DOCKER_HOST to where it is."
        ) from error
    try:
        yield engine
    except docker.errors.DockerException as error:
        raise InfrastructureError(f"The Docker engine refused: {error}.") from error
    finally:
        engine.close()


def _followed(events: Iterable[Mapping[str, Any]], problem: str, say: Callable[[str], None]) -> str:
    """Says what the engine tells; gives the id of the image that it made. Raises InfrastructureError."""
    id = ""
    for event in events:
        if "error" in event:
            raise InfrastructureError(f"{problem}: {event['error']}")
        id = (event.get("aux") or {}).get("ID") or id
        line = str(event.get("stream") or event.get("status") or "").rstrip()
        if line:
            say(line)
    return id
