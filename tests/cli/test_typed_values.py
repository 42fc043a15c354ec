import io
import json
import sys

import pytest
import typer

from antiphon.cli.typed_values import json_of, pairs_of, parameters_of


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("5", 5),
        ("[1]", [1]),
        ("null", None),
        ("hello", "hello"),
        ('"5"', "5"),
        ("NaN", "NaN"),
        ("[" * 9999, "[" * 9999),
    ],
)
def test_a_value_is_json_or_a_text(typed: str, value: object) -> None:
    assert json.loads(json_of(typed)) == value


def test_parameters_come_from_both_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parameters_of([], None) is None
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"y": [1]}'))
    payload = parameters_of(["x=1", "name=Ann=Bea", "e="], "-")
    assert payload is not None
    assert payload.metadata["encoding"] == "json/plain"
    assert json.loads(payload.data) == {"y": [1], "x": 1, "name": "Ann=Bea", "e": ""}


@pytest.mark.parametrize(
    ("pairs", "text", "says"),
    [
        (["x"], None, "--param 'x' has no name and value"),
        (["=1"], None, "--param '=1' has no name and value"),
        (["x=1", "x=2"], None, "--param gives 'x' twice"),
        (["x=1"], '{"x": 2}', "The argument 'x' is given by --param and by --params"),
        ([], "{", "--params is no JSON"),
        ([], '{"x": NaN}', "--params is no JSON"),
        ([], "[" * 9999, "--params is no JSON"),
        ([], "[1]", "--params has to be a JSON object"),
    ],
)
def test_what_is_wrong_is_told(pairs: list[str], text: str | None, says: str) -> None:
    with pytest.raises(typer.BadParameter) as raised:
        parameters_of(pairs, text)
    assert raised.value.message.startswith(says)


def test_other_pairs_are_told_by_their_option() -> None:
    assert pairs_of(["cpu=2", "image=python:3.12"], "--job-variable") == {"cpu": 2, "image": "python:3.12"}
    with pytest.raises(typer.BadParameter, match="--job-variable 'cpu' has no name and value"):
        pairs_of(["cpu"], "--job-variable")
