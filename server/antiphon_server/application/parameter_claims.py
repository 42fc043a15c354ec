"""What must hold of parameters before something is written: that they fit the schema of their deployment. The same
holds for job variables.

A look at it may take long, and the writer must not wait for it. So an operation that finds claims which nobody has
looked at raises them and has written nothing; its caller looks, outside of the writer, and tries again with what it
found to be true. Whatever changes in between makes other claims, so nothing is written that was not looked at.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from antiphon_server.application.arguments import merged
from antiphon_server.application.input_schemas import check_parameters
from antiphon_server.domain.errors import Aborted, AntiphonError

T = TypeVar("T")

#: Looks at what a deployment has become meanwhile, before the caller is told to try again.
MOST_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """That parameters fit a schema, which was checked to be one."""

    schema: str
    #: Serialized payloads of JSON objects; later ones win.
    parameters: tuple[bytes | None, ...]
    #: Where the last of them stand in the request.
    field: str
    #: Whether no more of them will come.
    complete: bool = True

    async def check(self) -> None:
        """Raises InvalidArgument (PARAMETERS_INVALID) where it is not true."""
        await check_parameters(self.schema, merged(*self.parameters), self.field, complete=self.complete)


class Checkable(Protocol):
    """What may be found to be true."""

    async def check(self) -> None:
        """Raises InvalidArgument where it is not."""


class Claiming(Protocol):
    """An operation that makes claims."""

    #: Those that were found to be true.
    checked: Collection[Checkable]


class Unchecked(AntiphonError):
    """Claims that nobody has looked at. People read of it only where there are new ones each time."""

    def __init__(self, claims: Sequence[Checkable]) -> None:
        super().__init__(
            "DEPLOYMENT_CHANGED",
            "the deployment was changed again and again while parameters were compared with its schema; try again",
        )
        self.claims = claims


def demand(checked: Collection[Checkable], claims: Iterable[Checkable]) -> None:
    """Raises Unchecked for claims that are not among those that were found to be true."""
    left = [claim for claim in claims if claim not in checked]
    if left:
        raise Unchecked(left)


async def check(claims: Iterable[Checkable]) -> None:
    """Raises InvalidArgument for the first that is not true."""
    for claim in claims:
        await claim.check()


async def checked(operation: Claiming, attempt: Callable[[], Awaitable[T]]) -> T:
    """The answer of `attempt`, which runs `operation` and may do so again. Raises InvalidArgument for a claim that is
    not true, and Aborted (DEPLOYMENT_CHANGED) where there are new ones each time."""
    for _ in range(MOST_LOOKS):
        try:
            return await attempt()
        except Unchecked as unchecked:
            await check(unchecked.claims)
            operation.checked = [*operation.checked, *unchecked.claims]
    try:
        return await attempt()
    except Unchecked as unchecked:
        raise Aborted(unchecked.reason, unchecked.message) from None


def of_run(deployment: Any, parameters: bytes | None, field: str = "parameters") -> list[Claim]:
    """Of a run of a deployment, a row with content, or of a schedule."""
    if not deployment.enforce_parameter_schema or not deployment.parameter_schema:
        return []
    return [Claim(deployment.parameter_schema, (deployment.parameters, parameters), field)]


def of_deployment(content: dict[str, Any], schedules: Iterable[bytes | None]) -> list[Claim]:
    """Of a deployment with this content, and the parameters of its schedules."""
    schema, own = content.get("parameter_schema"), content.get("parameters")
    if not schema or not content.get("enforce_parameter_schema"):
        return []
    return [
        Claim(schema, (own,), "deployment.parameters", complete=False),
        *(
            Claim(schema, (own, parameters), f"deployment.schedules[{place}].parameters")
            for place, parameters in enumerate(schedules)
        ),
    ]
