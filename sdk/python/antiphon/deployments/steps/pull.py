"""Steps that bring the code of flows."""

import os
from pathlib import Path
from typing import Any

from antiphon.blocks import loading
from antiphon.blocks.core import Block
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.effects import Call, Outcome
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import StepExecutionError
from antiphon.runner.storage import BlockStorageAdapter, GitRepository, RemoteStorage

__all__ = [
    "agit_clone",
    "apull_from_remote_storage",
    "apull_with_block",
    "git_clone",
    "pull_from_remote_storage",
    "pull_with_block",
    "set_working_directory",
]


def set_working_directory(directory: str) -> dict[str, str]:
    """Make a folder the working directory, and return it as `directory`.

    Raises StepExecutionError where it is not there.
    """
    try:
        os.chdir(Path(directory).expanduser())
    except OSError as error:
        raise StepExecutionError(
            f"The working directory {directory!r} cannot be used here: {error.strerror or error}. Where code and "
            "worker are on different machines, bring the code by a pull step such as git_clone."
        ) from error
    return {"directory": os.getcwd()}


@dual
def git_clone(
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,
    access_token: str | None = None,
    credentials: Any = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
) -> Work[dict[str, str]]:
    """Bring a git repository into a folder of the working directory, and return that as `directory`.

    `branch` may be a tag; `directories` has only these checked out; the folder is called as the repository and the
    branch, or `clone_directory_name`. Secrets are given by templates: `{{ antiphon.blocks.secret.NAME }}`. In async
    code this gives a coroutine. Raises as `antiphon.runner.storage.GitRepository`.
    """
    if access_token is not None and credentials is not None:
        raise ValueError("access_token and credentials were given: give one of them.")
    storage = GitRepository(
        repository,
        credentials={"access_token": access_token} if access_token is not None else credentials,
        name=clone_directory_name,
        branch=branch,
        commit_sha=commit_sha,
        include_submodules=include_submodules,
        directories=directories,
    )
    yield from _pulled(storage)
    return {"directory": str(storage.destination.relative_to(Path.cwd()))}


@dual
def pull_from_remote_storage(url: str, **settings: Any) -> Work[dict[str, str]]:
    """Copy a folder that fsspec knows, such as `s3://bucket/folder`, into the working directory, and return it as
    `directory`. `settings` go to its filesystem.

    In async code this gives a coroutine. Raises RuntimeError where it cannot be read.
    """
    storage = RemoteStorage(url, **settings)
    yield from _pulled(storage)
    return {"directory": str(storage.destination.relative_to(Path.cwd()))}


@dual
def pull_with_block(block_document_name: str, block_type_slug: str) -> Work[dict[str, str]]:
    """Copy what a block of storage holds into the working directory, and return the folder as `directory`.

    In async code this gives a coroutine. Raises ValueError for an unknown block, or one that holds no code.
    """
    wanted = loading.request(Block, f"{block_type_slug}/{block_document_name}")
    block = yield from loading.loaded(Block, wanted, validate=True)
    storage = BlockStorageAdapter(block)
    yield from _pulled(storage)
    return {"directory": str(storage.destination.relative_to(Path.cwd()))}


agit_clone = awaitable(git_clone)
apull_from_remote_storage = awaitable(pull_from_remote_storage)
apull_with_block = awaitable(pull_with_block)


def _pulled(storage: Any) -> Work[None]:
    storage.set_base_path(Path.cwd())
    outcome: Outcome = yield Call(storage.pull_code, (), {}, RunScope())
    if outcome.error is not None:
        raise outcome.error
