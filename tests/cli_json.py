"""Compares what commands print with docs/cli.schema.json."""

import json

import jsonschema

from cli_reference.schemas import document


def check_json(path: str, printed: str) -> None:
    """Raises where it is not what the schemas say."""
    schemas = document()
    schema = {"$defs": schemas["$defs"], **schemas["commands"][path]}
    try:
        documents = [json.loads(printed)]
    except ValueError:
        documents = [json.loads(line) for line in printed.splitlines()]
    assert documents, "nothing was printed"
    for each in documents:
        jsonschema.Draft202012Validator(schema).validate(each)
