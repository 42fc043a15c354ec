"""How deployments are named on the command line."""

from typing import Annotated

import typer

from antiphon.cli.completing import complete_deployments

DeploymentArgument = Annotated[
    str, typer.Argument(metavar="DEPLOYMENT", help="FLOW/NAME, or an id.", autocompletion=complete_deployments)
]
MaybeDeploymentArgument = Annotated[
    str | None, typer.Argument(metavar="DEPLOYMENT", help="FLOW/NAME, or an id.", autocompletion=complete_deployments)
]
IdOption = Annotated[str | None, typer.Option("--id", help="The id of a deployment, in place of its name.")]
