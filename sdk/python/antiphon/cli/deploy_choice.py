"""Which deployments `antiphon deploy` is to make."""

from fnmatch import fnmatchcase
from pathlib import Path

import typer

from antiphon.cli.being_sure import may_ask
from antiphon.cli.exit_codes import print_note
from antiphon.cli.prompting import ask_text, ask_which
from antiphon.close_names import meant
from antiphon.deployments.entries import Chosen
from antiphon.deployments.project_file import ProjectFile
from antiphon.exceptions import AntiphonException, ConfigurationError
from antiphon.flow_loading import load_flow_arguments_from_entrypoint

OWN_FILE, PREFECT_FILE = "antiphon.yaml", "prefect.yaml"


def project_file(given: Path | None, yes: bool) -> ProjectFile | None:
    """Return the project file to use: the one that was given, or antiphon.yaml. A prefect.yaml in its place is offered
    at a terminal, else named. Raises ProjectFileError."""
    if given is not None:
        return ProjectFile(given)
    if Path(OWN_FILE).is_file():
        return ProjectFile(Path(OWN_FILE))
    if not Path(PREFECT_FILE).is_file():
        return None
    if may_ask(yes) and typer.confirm(f"There is no {OWN_FILE} here. Read {PREFECT_FILE}?", default=True, err=True):
        return ProjectFile(Path(PREFECT_FILE))
    print_note(f"{PREFECT_FILE} is not read unless you say --antiphon-file {PREFECT_FILE}, or rename it to {OWN_FILE}.")
    return None


def chosen(
    file: ProjectFile | None, entrypoint: str | None, names: list[str], take_all: bool, yes: bool
) -> list[Chosen]:
    """Return what is to be made, in the file's order. Raises ConfigurationError where nothing fits,
    typer.BadParameter where it is not clear what is meant and nobody can be asked."""
    entries = [Chosen(entry, file, place) for place, entry in enumerate(file.deployments)] if file is not None else []
    if take_all:
        if not entries:
            raise ConfigurationError(f"--all takes the deployments of a project file, and there are none. {_HOW}")
        return entries
    if names:
        return _named(entries, names, entrypoint)
    if entrypoint is not None:
        return [_of_entrypoint(entries, entrypoint, yes)]
    if len(entries) == 1:
        return entries
    if not entries:
        raise ConfigurationError(f"There is nothing to deploy: no {OWN_FILE} with deployments is here. {_HOW}")
    listed = [each.name for each in entries]
    if not may_ask(yes):
        raise typer.BadParameter(
            f"{file.path.name if file is not None else OWN_FILE} has {len(entries)} deployments: {', '.join(listed)}. "
            "Say which by --name, or --all."
        )
    return _named(entries, [ask_which("Which deployment?", listed)], None)


_HOW = (
    "Name a flow and a deployment, such as `antiphon deploy flows.py:my_flow --name nightly`, or write "
    f"{OWN_FILE} (`antiphon init`)."
)


def _named(entries: list[Chosen], names: list[str], entrypoint: str | None) -> list[Chosen]:
    found: list[Chosen] = []
    for name in names:
        fitting = [each for each in entries if _fits(each, name)]
        if not fitting:
            if entrypoint is None or any(mark in name for mark in "*?["):
                raise ConfigurationError(_unknown(name, entries))
            fitting = [Chosen({"name": name.rpartition("/")[2], "entrypoint": entrypoint})]
        found += [each for each in fitting if each not in found]
    if entrypoint is not None:
        if len(found) > 1:
            raise ConfigurationError(
                f"{len(found)} deployments are meant, and one entrypoint was given. Give one name, or no entrypoint."
            )
        found = [Chosen({**found[0].entry, "entrypoint": entrypoint}, found[0].file, found[0].place)]
    return sorted(found, key=lambda each: each.place)


def _unknown(name: str, entries: list[Chosen]) -> str:
    listed = [each.name for each in entries]
    if not listed:
        return f"There is no deployment {name!r}, since there is no {OWN_FILE} with deployments here. {_HOW}"
    return (
        f"There is no deployment {name!r}{meant(name, listed)}. There are {', '.join(listed)}. A new one is made by "
        f"naming its flow too: `antiphon deploy flows.py:my_flow --name {name}`."
    )


def _fits(entry: Chosen, pattern: str) -> bool:
    """Patterns are those of file names; one with a slash is for `flow/deployment`."""
    if "/" not in pattern:
        return fnmatchcase(entry.name, pattern)
    return fnmatchcase(f"{_flow_name(entry)}/{entry.name}", pattern)


def _flow_name(entry: Chosen) -> str:
    """As the entry says it, or the source of its flow; no code runs."""
    said, entrypoint = entry.entry.get("flow_name"), entry.entry.get("entrypoint")
    if said or not entrypoint:
        return str(said or "")
    try:
        return str(load_flow_arguments_from_entrypoint(entrypoint, ["name"]).get("name", ""))
    except (AntiphonException, ValueError):
        return ""  # what is wrong with it is said where it is meant


def _of_entrypoint(entries: list[Chosen], entrypoint: str, yes: bool) -> Chosen:
    """The only entry of this flow, or a new one, whose name is asked for."""
    fitting = [each for each in entries if each.entry.get("entrypoint") == entrypoint]
    if len(fitting) == 1:
        return fitting[0]
    if not may_ask(yes):
        raise typer.BadParameter(f"The deployment needs a name: `antiphon deploy {entrypoint} --name nightly`.")
    return Chosen({"name": ask_text("Name of the deployment", "default"), "entrypoint": entrypoint})
