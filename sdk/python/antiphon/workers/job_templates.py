"""What a worker is to start for one run: the job template of its pool, filled in with values."""

import copy
from collections.abc import Mapping
from typing import Any

from antiphon.close_names import meant
from antiphon.deployments.template_values import resolved
from antiphon.deployments.templates import KEEP, Name, Source, filled, followed
from antiphon.engine.dual import Work, aperform
from antiphon.exceptions import ConfigurationError, TemplateError

#: Stands where a variable has no value: what it is the whole of is left out, and in the midst of a text it is empty.
_NOTHING = type("_Nothing", (str,), {})("")


async def filled_template(template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `job_configuration` of a pool's base job template with values in place of its variables.

    A value comes from `values`, else from the default in the template's `variables`; where there is none, what stands
    for the variable alone is left out, and in the midst of a text it is empty. Then `{{ antiphon.blocks.TYPE.NAME }}`,
    `{{ antiphon.variables.NAME }}` and `{{ $ENV }}`, in the template as in values, are what they are here and now.
    Raises ConfigurationError where a variable that is required has no value, or where such a template leads nowhere.
    """
    schema = template.get("variables") or {}
    configuration = copy.deepcopy(dict(template.get("job_configuration") or {}))
    given = _with_defaults(schema, values)
    if isinstance(configuration.get("env"), dict) and isinstance(given.get("env"), dict):
        # Variables of the environment are added to those that the template itself has, and do not drive them out.
        configuration["env"] = {**configuration["env"], **given["env"]}
    try:
        rendered = _without_nothing(filled(configuration, lambda name: _value_of(name, given, schema)))
        made: dict[str, Any] = await aperform(_resolved(rendered))
    except TemplateError as error:
        raise ConfigurationError(f"The job cannot be made from the work pool's template: {error}") from error
    return made


def _resolved(rendered: Any) -> Work[dict[str, Any]]:
    made: dict[str, Any] = yield from resolved(rendered, {}, keep_outputs=True)
    return made


def _with_defaults(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    given = {name: each["default"] for name, each in properties.items() if isinstance(each, dict) and "default" in each}
    if isinstance(given.get("env"), dict) and isinstance(values.get("env"), dict):
        values = {**values, "env": {**given["env"], **values["env"]}}
    given.update(values)
    missing = [name for name in schema.get("required") or () if given.get(name) is None]
    if missing:
        raise ConfigurationError(
            f"The work pool's job template requires {', '.join(map(repr, missing))}, which has no value. Give it in "
            "the `job_variables` of the deployment or of the run, or as a default in the base job template of the pool."
        )
    return given


def _value_of(name: Name, given: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if name.source is not Source.OUTPUT:
        return KEEP
    if name.key in given:
        return followed(name, given[name.key])
    known = schema.get("properties") or {}
    if name.key not in known:
        raise TemplateError(
            f"{name.text} names a variable {name.key!r} that the template's `variables` do not have"
            f"{meant(name.key, known)}. Mend it with `antiphon work-pool update --base-job-template FILE`."
        )
    return _NOTHING


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if each is not _NOTHING}
    if isinstance(value, list):
        return [_without_nothing(each) for each in value if each is not _NOTHING]
    return value
