"""What is a base job template, and what is said of one that is none."""

import json

import pytest

from antiphon_server.application.job_templates import check_job_template
from antiphon_server.domain.errors import InvalidArgument

GOOD = {
    "job_configuration": {
        "image": "{{ image }}",
        "env": {"{{name}}": ["{{ env }}", "{{ antiphon.variables.region }}", "{{ $HOME }}"]},
    },
    "variables": {"type": "object", "properties": {"image": {"type": "string"}, "name": {}, "env": {"default": {}}}},
}


def test_a_template_uses_its_variables_and_what_its_worker_knows() -> None:
    check_job_template(json.dumps(GOOD), "t")
    check_job_template('{"job_configuration": {}, "variables": {}}', "t")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("[]", "t must be an object"),
        ("{", "t is no JSON"),
        ("{}", "t is no job template: it needs an object 'job_configuration' at its top"),
        ({**GOOD, "variables": []}, "it needs an object 'variables' at its top"),
        ({**GOOD, "job": {}}, "it has 'job' at its top, where only 'job_configuration' and 'variables' may be"),
        ({**GOOD, "variables": {"type": "nothing"}}, "t.variables is no JSON schema"),
        (
            {**GOOD, "job_configuration": {"a": [{"b": "x {{ typo }}"}]}},
            "job_configuration uses the variable 'typo', which variables.properties does not have",
        ),
    ],
)
def test_what_is_none_says_why(template: object, said: str) -> None:
    text = template if isinstance(template, str) else json.dumps(template)
    with pytest.raises(InvalidArgument) as refused:
        check_job_template(text, "t")
    assert said in refused.value.message
    assert refused.value.reason in ("JOB_TEMPLATE_INVALID", "JSON_INVALID")
