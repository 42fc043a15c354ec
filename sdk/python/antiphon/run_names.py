"""Names of runs from a person's template."""

from collections.abc import Callable, Mapping
from typing import Any

from antiphon.exceptions import InvalidNameError
from antiphon.naming import MAX_RUN_NAME_LENGTH
from antiphon.signatures import function_name, shape_of
from antiphon.text_limits import clip_characters, encodable


def render_name(template: str | Callable[..., Any] | None, parameters: Mapping[str, Any], default: str) -> str:
    """Return a run's name.

    `template` is a format string over the parameters (`"{x}-{date:%A}"`, `"{user.name}"`), or a function that takes
    nothing or `parameters` and returns the name; None, or an empty name, gives `default`. Names are cut at 500
    characters. Raises InvalidNameError where the template cannot be filled in or the function returns no text; what the
    function raises passes through.
    """
    if template is None:
        return default
    name = _call(template, parameters) if callable(template) else _fill(template, parameters)
    return clip_characters(encodable(name), MAX_RUN_NAME_LENGTH) if name else default


def _fill(template: str, parameters: Mapping[str, Any]) -> str:
    try:
        return template.format_map(parameters)
    except KeyError as error:
        known = ", ".join(parameters) or "none"
        cause = f"there is no parameter {error}; there are: {known}"
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        cause = str(error)
    raise InvalidNameError(f"The run name template {template!r} cannot be filled in: {cause}.")


def _call(function: Callable[..., Any], parameters: Mapping[str, Any]) -> str:
    shape = shape_of(function)
    if shape.names == ("parameters",):
        name = function(parameters=dict(parameters))
    elif all(each in shape.defaults for each in (*shape.positional, *shape.keyword_only)):
        name = function()
    else:
        raise InvalidNameError(
            f"The function {shape} cannot make a run's name: it must take no argument, "
            "or one that is called `parameters`."
        )
    if not isinstance(name, str):
        raise InvalidNameError(
            f"The function {function_name(function)} must return a run's name as text, not {type(name).__name__}."
        )
    return name
