"""Versions of deployments that follow from where their code is kept."""

import os
import subprocess
from enum import StrEnum

from antiphon.client.schemas.objects import VersionInfo
from antiphon.exceptions import ConfigurationError

__all__ = ["VersionType"]


class VersionType(StrEnum):
    """How a version is found out: as it was given, from the git repository here, or from what a service of continuous
    integration says in the environment."""

    SIMPLE = "antiphon:simple"
    GIT = "vcs:git"
    GITHUB = "vcs:github"
    GITLAB = "vcs:gitlab"
    BITBUCKET = "vcs:bitbucket"
    AZUREDEVOPS = "vcs:azuredevops"


#: What services of continuous integration call the facts.
_VARIABLES: dict[VersionType, dict[str, str]] = {
    VersionType.GITHUB: {
        "commit_sha": "GITHUB_SHA",
        "branch": "GITHUB_REF_NAME",
        "repository": "GITHUB_REPOSITORY",
    },
    VersionType.GITLAB: {
        "commit_sha": "CI_COMMIT_SHA",
        "branch": "CI_COMMIT_REF_NAME",
        "repository": "CI_PROJECT_PATH",
        "url": "CI_PROJECT_URL",
    },
    VersionType.BITBUCKET: {
        "commit_sha": "BITBUCKET_COMMIT",
        "branch": "BITBUCKET_BRANCH",
        "repository": "BITBUCKET_REPO_FULL_NAME",
        "url": "BITBUCKET_GIT_HTTP_ORIGIN",
    },
    VersionType.AZUREDEVOPS: {
        "commit_sha": "BUILD_SOURCEVERSION",
        "branch": "BUILD_SOURCEBRANCHNAME",
        "repository": "BUILD_REPOSITORY_NAME",
        "url": "BUILD_REPOSITORY_URI",
    },
}


def version_info(kind: str | None, version: str | None) -> VersionInfo | None:
    """Return what is known of a version; None where nothing was asked for. `version` is its name, if it has one
    already; else it gets the first eight digits of the commit.

    Raises ConfigurationError for a kind that is not known, and where it cannot be found out here.
    """
    if kind is None:
        return None
    try:
        known = VersionType(kind.replace("prefect:", "antiphon:"))
    except ValueError:
        raise ConfigurationError(
            f"There is no version type {kind!r}. There are {', '.join(each.value for each in VersionType)}."
        ) from None
    if known is VersionType.SIMPLE:
        if not version:
            raise ConfigurationError(f"The version type {known.value} needs a version: give version='1.0'.")
        return VersionInfo(type=known.value, version=version)
    facts = _git_facts() if known is VersionType.GIT else _facts_of_environment(known)
    return VersionInfo.model_validate({"type": known.value, "version": version or facts["commit_sha"][:8], **facts})


def _facts_of_environment(kind: VersionType) -> dict[str, str]:
    names = _VARIABLES[kind]
    found = {fact: os.environ[name] for fact, name in names.items() if os.environ.get(name)}
    if "commit_sha" not in found:
        raise ConfigurationError(
            f"The version type {kind.value} is for jobs of that service, which set {names['commit_sha']}, and it is "
            f"not set here. Use {VersionType.GIT.value}, or give a version."
        )
    return found


def _git_facts() -> dict[str, str]:
    commit = _git("rev-parse", "HEAD")
    if not commit:
        raise ConfigurationError(
            f"The version type {VersionType.GIT.value} needs a git repository with a commit, and the program git, and "
            "one of these is not here. Commit the code, or give a version."
        )
    facts = {
        "commit_sha": commit,
        "branch": _git("rev-parse", "--abbrev-ref", "HEAD"),
        "message": _git("show", "--no-patch", "--format=%s", "HEAD")[:500],
    }
    return {name: value for name, value in facts.items() if value}


def _git(*arguments: str) -> str:
    """What git says here; empty where it fails."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
