"""Filters run on SQLite: each is checked against what it should mean, said in Python."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, literal, select
from sqlalchemy.dialects import postgresql

from antiphon_server.domain.filter_tree import FilterField, Kind
from antiphon_server.domain.filters import MAX_TERMS, parse_filter
from antiphon_server.storage.filter_sql import filter_clause

FIELDS = {
    "name": FilterField(Kind.STRING, "name"),
    "size": FilterField(Kind.INT, "size"),
    "tags": FilterField(Kind.TAGS, "tags"),
}
THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("size", Integer),
    Column("tags", Text, nullable=False),
)
ROWS: list[dict[str, Any]] = [
    {"id": 0, "name": "alpha", "size": 1, "tags": ["x"]},
    {"id": 1, "name": "Alpha", "size": 2, "tags": ["x", "y"]},
    {"id": 2, "name": "alphabet", "size": 3, "tags": []},
    {"id": 3, "name": "", "size": -3, "tags": ["xy", "it's"]},
    {"id": 4, "name": None, "size": None, "tags": ["yx"]},
    {"id": 5, "name": "100%_*", "size": 2, "tags": ["Ünï", "x*"]},
]


@pytest.fixture(scope="module")
def matches() -> Callable[[str], list[int]]:
    """Gives the ids of the rows that a filter lets through."""
    engine = create_engine("sqlite://")
    THINGS.metadata.create_all(engine)
    connection = engine.connect()
    connection.execute(insert(THINGS), [{**row, "tags": json.dumps(row["tags"])} for row in ROWS])

    def run(text: str) -> list[int]:
        tree = parse_filter(text, FIELDS)
        assert tree is not None
        statement = select(THINGS.c.id).where(filter_clause(tree, dict(THINGS.c.items()))).order_by(THINGS.c.id)
        return list(connection.execute(statement).scalars())

    return run


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("name = alpha", [0]),
        ("name != alpha", [1, 2, 3, 4, 5]),
        ("NOT name = alpha", [1, 2, 3, 4, 5]),
        ("NOT name != alpha", [0]),
        ("name = alpha*", [0, 2]),
        ("name != alpha*", [1, 3, 4, 5]),
        ("name = '*bet'", [2]),
        ("name = '*a*'", [0, 1, 2]),
        ("name = *", [0, 1, 2, 3, 5]),
        ('name = "100%_\\*"', [5]),
        ("name:lph", [0, 1, 2]),
        ("name:LPH", []),
        ("name:%", [5]),
        ("name:_", [5]),
        ('name:"\\*"', [5]),
        ('name = ""', [3]),
        ("name:*", [0, 1, 2, 5]),
        ("NOT name:*", [3, 4]),
        ("name < alpha", [1, 3, 5]),
        ("NOT name < alpha", [0, 2, 4]),
        ("name >= alpha", [0, 2]),
        ("size = 2", [1, 5]),
        ("size:2", [1, 5]),
        ("size != 2", [0, 2, 3, 4]),
        ("size < -2", [3]),
        ("size <= 1", [0, 3]),
        ("size > 2", [2]),
        ("size >= 2", [1, 2, 5]),
        ("NOT size >= 2", [0, 3, 4]),
        ("size:*", [0, 1, 2, 3, 5]),
        ("NOT size:*", [4]),
        ("tags:x", [0, 1]),
        ("NOT tags:x", [2, 3, 4, 5]),
        ("tags:x*", [0, 1, 3, 5]),
        ("tags:*x", [0, 1, 4]),
        ('tags:"x\\*"', [5]),
        ('tags:"it\'s"', [3]),
        ("tags:Ünï", [5]),
        ("tags:*", [0, 1, 3, 4, 5]),
        ("NOT tags:*", [2]),
        ("tags:x AND tags:y", [1]),
        ("tags:x OR tags:yx", [0, 1, 4]),
        ("NOT (tags:x OR tags:yx)", [2, 3, 5]),
        # OR binds tighter.
        ("size = 1 OR size = 2 AND name:*", [0, 1, 5]),
        ("size = 2 AND name = Alpha OR size = 3", [1]),
        ("(size = 2 AND name = Alpha) OR size = 3", [1, 2]),
    ],
)
def test_meaning(matches: Callable[[str], list[int]], text: str, ids: list[int]) -> None:
    assert matches(text) == ids


Meaning = Callable[[Mapping[str, Any]], bool]
LEAVES: list[tuple[str, Meaning]] = [
    ("size > 1", lambda row: row["size"] is not None and row["size"] > 1),
    ("size != 2", lambda row: row["size"] != 2),
    ("name = alpha*", lambda row: row["name"] is not None and row["name"].startswith("alpha")),
    ("name:*", lambda row: bool(row["name"])),
    ("tags:x", lambda row: "x" in row["tags"]),
    ("NOT tags:*", lambda row: not row["tags"]),
]


def negation(term: tuple[str, Meaning]) -> tuple[str, Meaning]:
    return f"NOT ({term[0]})", lambda row: not term[1](row)


def conjunction(terms: tuple[tuple[str, Meaning], tuple[str, Meaning]]) -> tuple[str, Meaning]:
    return f"({terms[0][0]} AND {terms[1][0]})", lambda row: terms[0][1](row) and terms[1][1](row)


def disjunction(terms: tuple[tuple[str, Meaning], tuple[str, Meaning]]) -> tuple[str, Meaning]:
    return f"({terms[0][0]} OR {terms[1][0]})", lambda row: terms[0][1](row) or terms[1][1](row)


@example(["[", ""], ", ")
@example([", ", "x"], ", ")
@given(st.lists(st.text('x", [\\é', max_size=6), max_size=4), st.text('x", [\\é', min_size=1, max_size=3))
def test_a_tag_is_a_whole_word_whatever_stands_in_the_others(tags: list[str], word: str) -> None:
    engine = create_engine("sqlite://")
    tree = parse_filter("tags:" + json.dumps(word, ensure_ascii=False), FIELDS)
    assert tree is not None
    texts = literal(json.dumps(tags))
    with engine.connect() as connection:
        found = connection.execute(select(filter_clause(tree, {**dict(THINGS.c.items()), "tags": texts}))).scalar_one()
    assert bool(found) is (word in tags)


TREES: st.SearchStrategy[tuple[str, Meaning]] = st.recursive(
    st.sampled_from(LEAVES),
    lambda terms: st.one_of(
        terms.map(negation), st.tuples(terms, terms).map(conjunction), st.tuples(terms, terms).map(disjunction)
    ),
    max_leaves=15,
)


@given(TREES)
def test_any_nesting_means_what_it_says(matches: Callable[[str], list[int]], tree: tuple[str, Meaning]) -> None:
    text, meaning = tree
    assert matches(text) == [row["id"] for row in ROWS if meaning(row)]


def chain(depth: int) -> str:
    text = "tags:x"
    for _ in range(depth // 2):
        text = f"size = 9 OR (name:* AND (size = 8 OR {text}))"
    return text


def bushy(terms: int, generator: random.Random, connective: str) -> str:
    """A random tree in which AND and OR alternate from level to level."""
    if terms == 1:
        return generator.choice(["tags:x", "size = 1", "NOT name:a"])
    left = generator.randrange(1, terms)
    other = "OR" if connective == "AND" else "AND"
    parts = (bushy(left, generator, other), bushy(terms - left, generator, other))
    return f"({parts[0]} {connective} {parts[1]})"


def balanced(depth: int, connective: str = "AND") -> str:
    if depth == 0:
        return "tags:x"
    inner = balanced(depth - 1, "OR" if connective == "AND" else "AND")
    return f"({inner} {connective} {inner})"


@pytest.mark.parametrize(
    "text",
    [
        chain(48),
        f"NOT ({chain(48)})",
        " AND ".join(["tags:x"] * MAX_TERMS),
        " OR ".join(["NOT tags:x"] * MAX_TERMS),
        balanced(7),
        f"NOT ({balanced(7)})",
        f"({balanced(6)}) OR ({chain(30)} AND ({balanced(5)}))",
        *(bushy(MAX_TERMS // 4, random.Random(seed), "AND") for seed in range(8)),
    ],
)
def test_the_largest_filters_run(matches: Callable[[str], list[int]], text: str) -> None:
    matches(text)


def test_it_compiles_for_postgresql() -> None:
    tree = parse_filter("tags:x* AND name:a AND name = '*b' AND NOT size:*", FIELDS)
    assert tree is not None
    sql = str(filter_clause(tree, dict(THINGS.c.items())).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    for part in ("json_array_elements_text(CAST(things.tags AS JSON))", "strpos(", "right(", "size IS NULL"):
        assert part in sql
