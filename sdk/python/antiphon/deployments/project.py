"""New projects: a folder with an `antiphon.yaml`."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from antiphon.close_names import meant
from antiphon.exceptions import ConfigurationError

PROJECT_FILE = "antiphon.yaml"
#: For blocks of storage: `put_directory(ignore_file=".antiphonignore")`.
IGNORE_FILE = ".antiphonignore"
DOCKER_IGNORE_FILE = ".dockerignore"

#: Recipe -> what it needs to be told, with a description.
RECIPES: dict[str, dict[str, str]] = {
    "local": {},
    "git": {"repository": "The repository, such as https://github.com/owner/name.git", "branch": "Its branch"},
    "docker": {"image_name": "The image, such as registry.example.com/name", "tag": "Its tag"},
    "docker-git": {
        "image_name": "The image, such as registry.example.com/name",
        "tag": "Its tag",
        "repository": "The repository, such as https://github.com/owner/name.git",
        "branch": "Its branch",
    },
}

_HEAD = """\
# What this project deploys: `antiphon deploy --all`. Keep this file with the code.

name: {name}
antiphon-version: {version}

# Steps before anything is deployed, such as building an image.
{build}
# Steps behind them, such as pushing it.
{push}
# How the code comes to where a run begins. Without steps it is where it was deployed from.
{pull}
# definitions: values to use again by YAML's anchors, such as `schedules: *nightly`.

# Such as:
#
#   - name: nightly
#     entrypoint: flows.py:my_flow
#     description: What it is for.
#     tags: [sales]
#     parameters: {{}}
#     schedules:
#       - cron: "0 3 * * *"
#         timezone: UTC
#     work_pool:
#       name: my-pool
deployments: []
"""

_BUILD = """\
build:
  - antiphon.deployments.steps.build_docker_image:
      id: image
      image_name: {image_name}
      tag: {tag}
      dockerfile: auto
"""
_PUSH = """\
push:
  - antiphon.deployments.steps.push_docker_image:
      image_name: "{{ image.image_name }}"
      tag: "{{ image.tag }}"
"""
_CLONE = """\
pull:
  - antiphon.deployments.steps.git_clone:
      repository: {repository}
      branch: {branch}
"""

_IGNORED = """\
# What is no part of the project's code.
__pycache__/
*.py[cod]
*.egg-info/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.ipynb_checkpoints/
.venv/
venv/
.env
.git/
.idea/
.vscode/
.DS_Store
"""


def initialize_project(
    name: str | None = None, recipe: str | None = None, inputs: Mapping[str, Any] | None = None
) -> list[str]:
    """Make the working directory a project and return the names of the files that were written; those that are there
    stay.

    `name` is that of the folder unless given. `recipe` is `local` (the default), `git`, `docker` or `docker-git`, and
    `inputs` what it needs. Raises ConfigurationError for an unknown recipe, for inputs that are missing or
    unknown, and where a file cannot be written.
    """
    recipe = recipe or "local"
    given = {key: str(value) for key, value in (inputs or {}).items()}
    missing = missing_fields(recipe, given)
    if missing:
        raise ConfigurationError(f"The recipe {recipe!r} needs {', '.join(missing)}: give them as inputs.")
    unknown = sorted(set(given) - set(RECIPES[recipe]))
    if unknown:
        raise ConfigurationError(
            f"The recipe {recipe!r} has no field {unknown[0]!r}{meant(unknown[0], RECIPES[recipe])}. It has "
            f"{', '.join(RECIPES[recipe]) or 'none'}."
        )
    texts = {PROJECT_FILE: _project_text(name or Path.cwd().name, recipe, given), IGNORE_FILE: _IGNORED}
    if "image_name" in given:
        texts[DOCKER_IGNORE_FILE] = _IGNORED
    return [file for file, text in texts.items() if _written(Path(file), text)]


def missing_fields(recipe: str, given: Mapping[str, Any]) -> list[str]:
    """Return what a recipe needs and was not given. Raises ConfigurationError for an unknown recipe."""
    if recipe not in RECIPES:
        raise ConfigurationError(
            f"There is no recipe {recipe!r}{meant(recipe, RECIPES)}. There are {', '.join(RECIPES)}."
        )
    return [field for field in RECIPES[recipe] if not given.get(field)]


def _written(file: Path, text: str) -> bool:
    """Writes a file unless it is there; says whether it did. Raises ConfigurationError."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written here: {error.strerror or error}. Begin the project in a folder that "
            "you may write."
        ) from error
    return True


def _project_text(name: str, recipe: str, given: Mapping[str, str]) -> str:
    quoted = {key: _quoted(value) for key, value in given.items()}
    docker = "image_name" in given
    pull = _CLONE.format(**quoted) if "repository" in given else "pull: []\n"
    return _HEAD.format(
        name=_quoted(name),
        version=version("antiphon"),
        build=_BUILD.format(**quoted) if docker else "build: []\n",
        push=_PUSH if docker else "push: []\n",
        pull=pull,
    )


def _quoted(text: str) -> str:
    """As YAML has a text in double quotes, which is as JSON has it."""
    return json.dumps(text, ensure_ascii=False)
