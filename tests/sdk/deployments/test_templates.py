"""Templates in what deployments are made of."""

from typing import Any

import pytest

from antiphon.blocks.system import Secret
from antiphon.deployments.template_values import resolved, with_outputs
from antiphon.deployments.templates import Name, Source, filled, names_in
from antiphon.engine.dual import perform
from antiphon.exceptions import TemplateError
from antiphon.variables import Variable
from stored import Stored


def work(value: Any, outputs: dict[str, Any] | None = None, **options: Any) -> Any:
    return perform(resolved(value, outputs or {}, **options))


@pytest.mark.parametrize(
    ("text", "source", "key", "path"),
    [
        ("{{ step-id.key }}", Source.OUTPUT, "step-id", ("key",)),
        ("{{x}}", Source.OUTPUT, "x", ()),
        ("{{ a.b[0].c }}", Source.OUTPUT, "a", ("b", "0", "c")),
        ("{{ $HOME }}", Source.ENVIRONMENT, "HOME", ()),
        ("{{ antiphon.variables.db_url }}", Source.VARIABLE, "db_url", ()),
        ("{{ prefect.variables.a.b }}", Source.VARIABLE, "a", ("b",)),
        ("{{ antiphon.blocks.secret.my-token }}", Source.BLOCK, "secret/my-token", ()),
        ("{{ prefect.blocks.aws-credentials.prod.region }}", Source.BLOCK, "aws-credentials/prod", ("region",)),
    ],
)
def test_names(text: str, source: Source, key: str, path: tuple[str, ...]) -> None:
    assert list(names_in({"a": [1, f"x{text}"]})) == [Name(text, source, key, path)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ a b }}", r"\{\{ a b \}\} is no template that is known here. Write \{\{ step-id.key"),
        ("{{ }}", "is no template that is known here"),
        ("{{ $1 }}", "is no template"),
        ("{{ a | upper }}", "is no template"),
        ("{{ antiphon.blocks.secret }}", "says no block: write"),
        ("{{ antiphon.runtime.flow_run.id }}", r"behind antiphon\. there are blocks and variables"),
        ("{{ prefect.x }}", r"behind antiphon\. there are blocks and variables"),
    ],
)
def test_what_is_no_template(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        list(names_in(text))


def test_a_text_that_is_one_template_becomes_the_value() -> None:
    outputs = {"s": {"n": 5, "list": [1, {"a": None}], "t": "x"}, "flag": True}
    given = {"a": "{{ s.n }}", "b": " {{ s.list }} ", "c": "{{s.t}}-{{ s.n }}!", "d": ["{{ flag }}", 7], "e": "plain"}
    assert work(given, outputs) == {"a": 5, "b": [1, {"a": None}], "c": "x-5!", "d": [True, 7], "e": "plain"}
    assert work("{{ s.list[1].a }}|{{ s.list }}", outputs) == '|[1, {"a": null}]'


def test_a_value_is_not_looked_at_again() -> None:
    assert work("{{ a }} {{ b }}", {"a": "{{ b }}", "b": "x"}) == "{{ b }} x"


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "")
    assert work("{{ $MY_TOKEN }}") == ""
    monkeypatch.delenv("MY_TOKEN")
    with pytest.raises(TemplateError, match=r"needs the environment variable MY_TOKEN, which is not set here\. Set it"):
        work("x{{ $MY_TOKEN }}")


def test_outputs_that_are_not_there() -> None:
    with pytest.raises(TemplateError, match=r"names 'clne', which is no output of a step \(did you mean 'clone'\?\)"):
        work("{{ clne.directory }}", {"clone": {}})
    with pytest.raises(TemplateError, match="leads nowhere: there is no 'b' in 'a', which has 'c', 'd'"):
        work("{{ a.b }}", {"a": {"c": 1, "d": 2}})
    with pytest.raises(TemplateError, match=r"there is no '3' in 'a\.c', a list of 1"):
        work("{{ a.c[3] }}", {"a": {"c": [1]}})
    with pytest.raises(TemplateError, match="there is no 'x' in 'a', which is int"):
        work("{{ a.x }}", {"a": 1})


def test_what_others_fill_in_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"a": "{{ sha.stdout }}", "b": "{{ antiphon.variables.x }} {{ $A }} {{ clone.directory }}"}
    assert with_outputs(given, {"sha": {"stdout": "abc"}}) == {"a": "abc", "b": given["b"]}
    monkeypatch.setenv("A", "1")
    assert work("{{ later.x }} {{ $A }}", keep_outputs=True) == "{{ later.x }} 1"
    assert filled(5, lambda _: None) == 5


def test_variables_and_blocks_of_the_server(stored: Stored) -> None:
    Variable.set("template-place", {"url": "db", "ports": [1, 2]}, overwrite=True)
    Secret(value="tk-1").save("template-token", overwrite=True)
    Secret(value={"user": "ann", "n": 3}).save("template-login", overwrite=True)
    given = {
        "all": "{{ antiphon.variables.template-place }}",
        "port": "{{ antiphon.variables.template-place.ports[1] }}",
        "token": "Bearer {{ antiphon.blocks.secret.template-token }}",
        "user": "{{ prefect.blocks.secret.template-login.user }}",
    }
    assert work(given) == {"all": {"url": "db", "ports": [1, 2]}, "port": 2, "token": "Bearer tk-1", "user": "ann"}
    with pytest.raises(TemplateError, match="`antiphon variable set nope VALUE`"):
        work("{{ antiphon.variables.nope }}")
    with pytest.raises(TemplateError, match="needs the block 'secret/nope', which is not there"):
        work("{{ antiphon.blocks.secret.nope }}")
