"""Code in git repositories, brought here by the program `git`."""

import asyncio
import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypedDict
from urllib.parse import unquote, urlsplit, urlunsplit

from antiphon.exceptions import InvalidRepositoryURLError
from antiphon.runner.pulled import PulledCode

_SCHEMES = frozenset({"https", "http", "ssh", "git", "file", "git+ssh"})
#: user@host:path, as ssh has it.
_SCP = re.compile(r"^(?:[\w.+-]+@)?[\w.-]+:(?!//).+")
_SHA = re.compile(r"^[0-9a-fA-F]{4,64}$")


class GitCredentials(TypedDict, total=False):
    """Who asks for a repository. Each may be text or a secret."""

    username: str
    access_token: Any
    password: Any


def looks_like_git(source: str) -> bool:
    """Whether a source means a git repository."""
    return source.endswith(".git") or urlsplit(source).scheme in ("ssh", "git", "git+ssh")


def secret_text(value: Any) -> Any:
    """Return what a secret holds, and other values as they are."""
    for reader in ("get_secret_value", "get"):
        read = getattr(value, reader, None)
        if callable(read) and not isinstance(value, Mapping):
            return secret_text(read())
    return value


def secret_reference(value: Any) -> Any:
    """Return what a deployment keeps in place of a secret: where it is. Other values stay as they are. Raises
    ValueError for a secret that is not saved anywhere."""
    if isinstance(value, Mapping) or not any(callable(getattr(value, each, None)) for each in _SECRET_MARKS):
        return value
    name = getattr(value, "_block_document_name", None)
    return f"{{{{ antiphon.blocks.{value.get_block_type_slug()}.{name} }}}}" if name else _refuse_plain_text()


#: Methods of blocks, and of Pydantic's secrets.
_SECRET_MARKS = ("get_block_type_slug", "get_secret_value")


def _refuse_plain_text() -> NoReturn:
    raise ValueError(
        "A secret would be kept with the deployment as plain text. Save it in a Secret block, and give that block in "
        "its place."
    )


class GitRepository(PulledCode):
    """A git repository. Credentials go to git by its environment: they are in no file, command line or message."""

    def __init__(
        self,
        url: str,
        credentials: Any = None,
        name: str | None = None,
        branch: str | None = None,
        commit_sha: str | None = None,
        include_submodules: bool = False,
        pull_interval: int | None = 60,
        directories: list[str] | None = None,
    ) -> None:
        """`branch` may be a tag too; without it and `commit_sha` the default branch counts. `directories` has only
        these checked out. `credentials` is a dict with `access_token` (and `username`), or has `username`,
        `access_token` or `password` as attributes.

        Raises InvalidRepositoryURLError, and ValueError for credentials that are not whole or that the URL has no use
        for, for a commit that cannot be one, and for a branch and a commit at once.
        """
        self._url, inside = _checked_url(url)
        if branch is not None and commit_sha is not None:
            raise ValueError("A branch and a commit_sha were given: give one of them.")
        if branch is not None and (not branch or branch.startswith("-")):
            raise ValueError(f"{branch!r} cannot be the name of a branch.")
        if commit_sha is not None and not _SHA.match(commit_sha):
            raise ValueError(
                f"{commit_sha!r} cannot be a commit: that has 4 to 64 hexadecimal digits. Name a branch or a tag by "
                "`branch`."
            )
        self._given_credentials = credentials
        self._credentials = _checked_credentials(credentials, self._url) or inside
        self._branch = branch
        self._commit_sha = commit_sha
        self._include_submodules = include_submodules
        self._directories = list(directories or ())
        self._name = name or _name_of(self._url, branch, commit_sha)
        super().__init__(pull_interval)

    async def pull_code(self) -> None:
        """Bring the newest commit of the branch, or the wanted one, to `destination`; changes made there are lost.

        Raises RuntimeError where git is not installed, the repository cannot be reached, the branch or the commit is
        not in it, or another repository is in that folder.
        """
        self.destination.mkdir(parents=True, exist_ok=True)
        if (self.destination / ".git").exists():
            await self._check_origin()
        else:
            await self._git("init", "--quiet", why="prepared")
            await self._git("remote", "add", "origin", self._url, why="prepared")
        if self._directories:
            await self._git("sparse-checkout", "set", "--", *self._directories, why="limited to directories")
        await self._git("checkout", "--quiet", "--force", "--detach", await self._fetched(), why="checked out")
        if self._include_submodules:
            await self._git("submodule", "update", "--init", "--recursive", "--quiet", why="completed by submodules")

    async def _check_origin(self) -> None:
        origin = (await self._git("remote", "get-url", "origin", why="looked at")).strip()
        if origin != self._url:
            raise RuntimeError(
                f"{self.destination} holds the repository {_shown(origin)}, not {self._url}. Give this one another "
                "`name`, or remove the folder."
            )

    async def _fetched(self) -> str:
        """Fetch what is wanted; gives the commit to check out."""
        if self._commit_sha is None:
            await self._git("fetch", "--quiet", "--depth=1", "origin", self._branch or "HEAD", why="fetched")
            return "FETCH_HEAD"
        # Whole ids only can be asked for, and some servers give out no single commits.
        try:
            await self._git("fetch", "--quiet", "--depth=1", "origin", self._commit_sha, why="fetched")
            return "FETCH_HEAD"
        except RuntimeError:
            shallow = (self.destination / ".git" / "shallow").exists()
            deeper = ("--unshallow",) if shallow else ()
            await self._git("fetch", "--quiet", "--tags", *deeper, "origin", "+refs/heads/*:refs/remotes/origin/*")
            return f"{self._commit_sha}^{{commit}}"

    async def _git(self, *arguments: str, why: str = "fetched") -> str:
        """Run git in the folder; gives what it says."""
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                cwd=self.destination,
                env=_environment() | self._authorization(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise RuntimeError(
                f"The code of {self._url} is brought by the program `git`, which is not there. Install it so that it "
                "is on the PATH."
            ) from error
        try:
            out, said = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise RuntimeError(self._complaint(said.decode(errors="replace").strip(), why))
        return out.decode(errors="replace")

    def _complaint(self, said: str, why: str) -> str:
        if "couldn't find remote ref" in said and self._branch is not None:
            return f"There is no branch or tag {self._branch!r} in {self._url}."
        if self._commit_sha is not None and why == "checked out":
            return f"There is no commit {self._commit_sha} on the branches of {self._url}."
        lines = "; ".join(line for line in said.splitlines() if line.strip())
        return f"The repository {self._url} could not be {why}. git says: {lines or 'nothing'}"

    def _authorization(self) -> dict[str, str]:
        if self._credentials is None:
            return {}
        username, secret = self._credentials
        token = base64.b64encode(f"{secret_text(username)}:{secret_text(secret)}".encode()).decode()
        count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        parts = urlsplit(self._url)
        return {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
            f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {token}",
        }

    def to_pull_step(self) -> dict[str, Any]:
        """Return the step that brings the code. Raises ValueError for a secret that would be kept as plain text: keep
        it in a Secret block."""
        step: dict[str, Any] = {"repository": self._url, "branch": self._branch}
        if self._commit_sha is not None:
            step["commit_sha"] = self._commit_sha
        if self._include_submodules:
            step["include_submodules"] = True
        if self._directories:
            step["directories"] = self._directories
        if self._credentials is not None:
            step.update(self._secret_references())
        return {"antiphon.deployments.steps.git_clone": step}

    def _secret_references(self) -> dict[str, Any]:
        given = self._given_credentials
        if given is not None and not isinstance(given, Mapping):
            return {"credentials": secret_reference(given)}
        secret = next((each for name in _SECRETS if (each := (given or {}).get(name))), "")
        reference = secret_reference(secret) if not isinstance(secret, str) else _refuse_plain_text()
        username = (given or {}).get("username")
        if not username:
            return {"access_token": reference}
        return {"credentials": {"username": username, "access_token": reference}}

    def _identity(self) -> tuple[Any, ...]:
        return (self._url, self._branch, self._commit_sha, self._name, self._include_submodules, *self._directories)

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, GitRepository) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"GitRepository(name={self._name!r}, repository={self._url!r}, branch={self._branch!r})"


def _environment() -> dict[str, str]:
    """git is to fail rather than to ask for a password that nobody types."""
    return {
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _checked_url(url: Any) -> tuple[str, tuple[str, str] | None]:
    """The URL without credentials, and these."""
    text = os.fspath(url) if isinstance(url, str | os.PathLike) else url
    if not isinstance(text, str) or not text or text.startswith("-") or any(each.isspace() for each in text):
        raise InvalidRepositoryURLError(f"{_shown(text)!r} cannot be the URL of a git repository. {_EXAMPLES}")
    if "://" not in text:
        if not _SCP.match(text) and not Path(text).exists():
            raise InvalidRepositoryURLError(
                f"{text!r} is neither the URL of a git repository nor a folder here. {_EXAMPLES}"
            )
        return text, None
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES or not (parts.netloc or parts.scheme == "file"):
        raise InvalidRepositoryURLError(f"{_shown(text)!r} cannot be the URL of a git repository. {_EXAMPLES}")
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return text, None
    username, secret = unquote(parts.username or ""), unquote(parts.password or "")
    if not secret:
        username, secret = _user_for(parts.netloc), username
    return _shown(text), (username, secret)


_EXAMPLES = "Such are https://github.com/owner/name.git and git@github.com:owner/name.git."


def _shown(url: Any) -> str:
    """A URL for people: credentials are taken out."""
    text = str(url)
    parts = urlsplit(text) if "://" in text else None
    if parts is None or parts.scheme not in ("http", "https"):
        return text
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _checked_credentials(given: Any, url: str) -> tuple[Any, Any] | None:
    if given is None:
        return None

    def read(name: str) -> Any:
        return given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)

    username, secret = read("username"), next((each for name in _SECRETS if (each := read(name))), None)
    if not secret:
        raise ValueError(
            "The credentials have neither an access_token nor a password: give credentials={'access_token': ...}."
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(
            f"Credentials go with https:// only, and the URL is {url}. With ssh, git uses the keys of this machine."
        )
    return username or _user_for(parts.netloc), secret


_SECRETS = ("access_token", "token", "password")


def _user_for(host: str) -> str:
    """Who a token without a name speaks for; hosts differ."""
    if "gitlab" in host:
        return "oauth2"
    return "x-token-auth" if "bitbucket" in host else "x-access-token"


def _name_of(url: str, branch: str | None, commit_sha: str | None) -> str:
    last = re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")
    wanted = "-".join(each for each in (last, branch, commit_sha) if each)
    return re.sub(r"[^\w.-]", "-", wanted) or "repository"
