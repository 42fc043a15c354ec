"""Base job templates of work pools: how workers make what runs a run, with variables that deployments and runs set."""

import json
import re
from collections.abc import Iterator
from typing import Any

from antiphon_server.application.arguments import check_json
from antiphon_server.application.input_schemas import check_schema
from antiphon_server.domain.errors import InvalidArgument

_REASON = "JOB_TEMPLATE_INVALID"
_CONFIGURATION, _VARIABLES = "job_configuration", "variables"
#: What stands for a variable; other placeholders, such as those of blocks, are the worker's to fill in.
_PLACEHOLDER = re.compile(r"{{\s*([A-Za-z_][A-Za-z0-9_]*)\s*}}")


def check_job_template(text: str, field: str) -> None:
    """Raises InvalidArgument (JOB_TEMPLATE_INVALID), which names `field`, for what is no template."""
    check_json(text, dict, field)
    template = json.loads(text)
    for key in (_CONFIGURATION, _VARIABLES):
        if not isinstance(template.get(key), dict):
            raise _invalid(f"it needs an object {key!r} at its top", field)
    unknown = next((key for key in template if key not in (_CONFIGURATION, _VARIABLES)), None)
    if unknown is not None:
        raise _invalid(f"it has {unknown!r} at its top, where only {_CONFIGURATION!r} and {_VARIABLES!r} may be", field)
    check_schema(json.dumps(template[_VARIABLES]), f"{field}.{_VARIABLES}", _REASON)
    known = template[_VARIABLES].get("properties", {})
    for name in _names_in(template[_CONFIGURATION]):
        if name not in known:
            raise _invalid(
                f"{_CONFIGURATION} uses the variable {name!r}, which {_VARIABLES}.properties does not have", field
            )


def _names_in(part: Any) -> Iterator[str]:
    """The variables that a configuration uses."""
    if isinstance(part, str):
        yield from _PLACEHOLDER.findall(part)
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _names_in(key)
            yield from _names_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from _names_in(value)


def _invalid(why: str, field: str) -> InvalidArgument:
    return InvalidArgument(_REASON, f"{field} is no job template: {why}", field=field)
