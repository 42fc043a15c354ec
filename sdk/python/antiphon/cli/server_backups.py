"""`antiphon server backup` and `antiphon server restore`. A program of the server's does it: it knows the database."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon.cli.exit_codes import print_note
from antiphon.cli.output import JsonFlag, make_console, print_json
from antiphon.cli.server_control import DATABASE_URL
from antiphon.exceptions import AntiphonException
from antiphon.server_process import SERVER_COMMAND
from antiphon.settings import get_current_settings

_ENCRYPTION_KEY = "ANTIPHON_SERVER_ENCRYPTION_KEY"
_COMMAND = (*SERVER_COMMAND[:-1], "antiphon_server.backup")
_NOUNS = {
    "flows": ("flow", "flows"),
    "flow_runs": ("flow run", "flow runs"),
    "task_runs": ("task run", "task runs"),
    "deployments": ("deployment", "deployments"),
    "block_documents": ("block", "blocks"),
}


class BackupFailed(AntiphonException):
    """A backup or a restore that came to nothing; what was there is unchanged."""


DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database", metavar="URL", envvar=DATABASE_URL, help="Of a server on PostgreSQL: say which commands do it."
    ),
]


def backup(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH", help="A file to write, or a folder to write one in. Default: `backups` in ANTIPHON_HOME."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    database: DatabaseOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Copy the database of ANTIPHON_HOME, also while its server runs and writes, and look the copy over.

    The file is there whole or not at all. Secrets of blocks in it are encrypted with a key that is not in it.

    With --json: an object with `path`, `size` (bytes), `schema_revision`, `rows` (a count for each kind), `secrets`
    (how many blocks have some) and `key_file` (null where there is none).
    """
    words = ["save", *([str(path)] if path is not None else []), *(["--force"] if force else [])]
    done = _ask(words, database)
    if as_json:
        print_json(done)
        return
    _say(f"Backed up to {done['path']}: {_contents(done)}. It was looked over and is sound.")
    if done["secrets"]:
        key = done["key_file"] or f"what the server gets by {_ENCRYPTION_KEY}"
        print_note(
            f"The secrets of {_count(done['secrets'], 'block_documents')} cannot be read with this file alone. Their"
            f" key is {key}: keep a copy of it, in another place than the backups."
        )


def restore(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="What `antiphon server backup` wrote.")],
    database: DatabaseOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Put a backup in the place of the database of ANTIPHON_HOME, whose server must be stopped.

    The database of before is kept beside it under another name.

    With --json: an object with `path`, `database`, `replaced` (where the database of before is, or null), `size`,
    `schema_revision`, `rows`, `secrets`, `unreadable_secrets` (for which this home has no key) and `upgraded_to` (the
    schema that the next start brings it to, or null).
    """
    done = _ask(["restore", str(path)], database)
    if as_json:
        print_json(done)
        return
    _say(f"Restored {done['path']}: {_contents(done)}.")
    if done["replaced"]:
        _say(f"The database of before is {done['replaced']}; delete it once you are sure.")
    if done["upgraded_to"]:
        _say(f"The next start of the server upgrades it to schema {done['upgraded_to']}, with a backup first.")
    if done["unreadable_secrets"]:
        print_note(
            f"The secrets of {_count(done['unreadable_secrets'], 'block_documents')} cannot be read here: this home"
            f" does not have their key. Put the encryption.key of then beside {done['database']}, or give it to the"
            f" server by {_ENCRYPTION_KEY}."
        )


def _ask(words: Sequence[str], database: str) -> dict[str, Any]:
    # By the environment: others on the machine see a command line, and there may be a password in it.
    environment = os.environ | ({DATABASE_URL: database} if database else {})
    home = get_current_settings().home
    command = [*_COMMAND, "--home", str(home), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        said = done.stderr.strip() or f"the program that does it ended with exit code {done.returncode}"
        raise BackupFailed(f"Nothing was done: {said.removesuffix('.')}.")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _contents(done: dict[str, Any]) -> str:
    counts = ", ".join(_count(number, table) for table, number in done["rows"].items())
    return f"{done['size'] / 1e6:.1f} MB, schema {done['schema_revision']}, {counts}"


def _count(number: int, table: str) -> str:
    return f"{number:,} {_NOUNS[table][number != 1]}"


def _say(words: str) -> None:
    make_console().print(words, markup=False, soft_wrap=True)
