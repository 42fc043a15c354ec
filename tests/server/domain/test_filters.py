import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.filter_tree import AllOf, AnyOf, Check, Comparison, FilterField, Kind, height
from antiphon_server.domain.filters import MAX_DEPTH, MAX_TERMS, parse_filter

FIELDS = {
    "a": FilterField(Kind.INT, "a"),
    "id": FilterField(Kind.UUID, "id"),
    "name": FilterField(Kind.STRING, "name_column"),
    "tags": FilterField(Kind.TAGS, "tags"),
    "state.type": FilterField(Kind.ENUM, "state_type", {"FAILED": 5, "RUNNING": 3, "STATE_TYPE_FAILED": 5}),
    "start_time": FilterField(Kind.TIME, "start_time"),
}
UUID = "01890a5d-ac96-774b-bcce-b302099a8057"
NEW_YEAR = 1_767_225_600_000_000


def parse(text: str) -> object:
    return parse_filter(text, FIELDS)


def a(value: int, *, negated: bool = False) -> Comparison:
    return Comparison("a", Kind.INT, Check.EQUAL, value, negated)


def all_of(*terms: AllOf | AnyOf | Comparison) -> AllOf:
    return AllOf(terms, 1 + max(map(height, terms)))


def any_of(*terms: AllOf | AnyOf | Comparison) -> AnyOf:
    return AnyOf(terms, 1 + max(map(height, terms)))


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_a_blank_filter_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 1", a(1)),
        ("a=1", a(1)),
        ("(a = 1)", a(1)),
        ("((a = 1))", a(1)),
        ("NOT a = 1", a(1, negated=True)),
        ("-a = 1", a(1, negated=True)),
        ("NOT(a = 1)", a(1, negated=True)),
        ("NOT (NOT a = 1)", a(1)),
        ("a != 1", a(1, negated=True)),
        ("NOT a != 1", a(1)),
        ("a = 1 AND a = 2 AND a = 3", all_of(a(1), a(2), a(3))),
        ("a = 1 AND (a = 2 AND a = 3)", all_of(a(1), a(2), a(3))),
        ("(a = 1 OR a = 2) OR a = 3", any_of(a(1), a(2), a(3))),
        # OR binds tighter than AND.
        ("a = 1 AND a = 2 OR a = 3", all_of(a(1), any_of(a(2), a(3)))),
        ("a = 1 OR a = 2 AND a = 3", all_of(any_of(a(1), a(2)), a(3))),
        ("(a = 1 AND a = 2) OR a = 3", any_of(all_of(a(1), a(2)), a(3))),
        # De Morgan.
        ("NOT (a = 1 AND a = 2)", any_of(a(1, negated=True), a(2, negated=True))),
        ("-(a = 1 OR -a = 2)", all_of(a(1, negated=True), a(2))),
        ("NOT (a = 1 AND a = 2 OR a = 3)", any_of(a(1, negated=True), all_of(a(2, negated=True), a(3, negated=True)))),
    ],
)
def test_structure(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "kind", "check", "value"),
    [
        ("name = foo", Kind.STRING, Check.EQUAL, "foo"),
        ("name = state.type", Kind.STRING, Check.EQUAL, "state.type"),
        ("name = 'it is \"so\"'", Kind.STRING, Check.EQUAL, 'it is "so"'),
        (r'name = "a\"b\\c\*d"', Kind.STRING, Check.EQUAL, 'a"b\\c*d'),
        ('name = ""', Kind.STRING, Check.EQUAL, ""),
        ('name = "AND"', Kind.STRING, Check.EQUAL, "AND"),
        ("name = -foo", Kind.STRING, Check.EQUAL, "-foo"),
        ("name = größe/naïve@2", Kind.STRING, Check.EQUAL, "größe/naïve@2"),
        ("name = foo*", Kind.STRING, Check.STARTS, "foo"),
        ("name = '*foo'", Kind.STRING, Check.ENDS, "foo"),
        ("name = *foo**", Kind.STRING, Check.CONTAINS, "foo"),
        ("name = *", Kind.STRING, Check.CONTAINS, ""),
        ("name:foo", Kind.STRING, Check.CONTAINS, "foo"),
        ("name:foo*", Kind.STRING, Check.CONTAINS, "foo"),
        ("name:*", Kind.STRING, Check.PRESENT, ""),
        ("name < 'm'", Kind.STRING, Check.LESS, "m"),
        ("tags:nightly", Kind.TAGS, Check.EQUAL, "nightly"),
        ('tags:"two words"', Kind.TAGS, Check.EQUAL, "two words"),
        ("tags:team-*", Kind.TAGS, Check.STARTS, "team-"),
        ("tags:*", Kind.TAGS, Check.PRESENT, ""),
        (f"id = {UUID}", Kind.UUID, Check.EQUAL, UUID),
        (f"id:'{UUID.upper()}'", Kind.UUID, Check.EQUAL, UUID),
        ("state.type = FAILED", Kind.ENUM, Check.EQUAL, 5),
        ("state.type:STATE_TYPE_FAILED", Kind.ENUM, Check.EQUAL, 5),
        ('state.type = "RUNNING"', Kind.ENUM, Check.EQUAL, 3),
        ("a > -1", Kind.INT, Check.GREATER, -1),
        ("a >= 9223372036854775807", Kind.INT, Check.GREATER_OR_EQUAL, 2**63 - 1),
        ("a:7", Kind.INT, Check.EQUAL, 7),
        ("start_time <= 2026-01-01T00:00:00Z", Kind.TIME, Check.LESS_OR_EQUAL, NEW_YEAR),
        ('start_time < "2026-01-01t00:00:00.5z"', Kind.TIME, Check.LESS, NEW_YEAR + 500_000),
        ("start_time > 2026-01-01T01:30:00+01:30", Kind.TIME, Check.GREATER, NEW_YEAR),
        ("start_time = 2025-12-31T23:00:00.123456789-01:00", Kind.TIME, Check.EQUAL, NEW_YEAR + 123_456),
        ("start_time > 0001-01-01T00:00:00+23:59", Kind.TIME, Check.GREATER, -62135596800 * 10**6 - 86340 * 10**6),
        ("start_time:*", Kind.TIME, Check.PRESENT, ""),
    ],
)
def test_comparisons(text: str, kind: Kind, check: Check, value: str | int) -> None:
    column = {Kind.STRING: "name_column", Kind.ENUM: "state_type"}.get(kind, text.split(":")[0].split()[0])
    assert parse(text) == Comparison(column, kind, check, value)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("nope = 1", 1, "'nope' is not a field"),
        ("a = 1 AND nope:x", 11, "'nope' is not a field"),
        ("a", 1, "needs a comparison behind it"),
        ("a 1", 1, "needs a comparison behind it"),
        ("f(a)", 1, "looks like a function"),
        ("a =", 4, "the end stands where a value was expected after ="),
        ("a = = 1", 5, "'=' stands where a value was expected"),
        ("a = - 1", 5, "'-' stands where a value was expected"),
        ("a = (1 OR 2)", 5, "joined by OR"),
        ("a == 1", 4, "'=' stands where a value"),
        ("= 1", 1, "'=' stands where the name of a field was expected"),
        ("a = 1 a = 2", 7, "'a' stands where AND, OR or the end was expected"),
        ("a = 1 and a = 2", 7, "write AND in capitals"),
        ("(a = 1 or a = 2)", 8, "write OR in capitals"),
        ("a = 1 AND", 10, "the end stands where the name of a field"),
        ("a = 1 AND OR a = 1", 11, "'OR' stands where the name of a field"),
        ("NOT NOT a = 1", 5, "'NOT' stands where the name of a field"),
        ("(a = 1", 7, "the ) for the parenthesis of column 1"),
        ("a = 1)", 6, "closes nothing"),
        ("()", 2, "')' stands where the name of a field"),
        ("name = AND", 8, "a text that says so is quoted"),
        ('name = "open', 8, "without its closing"),
        (r'name = "a\n"', 10, "is no known escape"),
        (r"name = a\b", 9, "outside of quotes"),
        ("a ! 1", 3, "write != for"),
        ("a = 1, a = 2", 6, "',' has no meaning here"),
        ('"a" = 1', 1, "stands where the name of a field"),
        ("name = a*b", 8, "a * inside"),
        ("name < a*", 8, "with =, != and : only"),
        ("tags = x", 6, "'=' cannot be asked of a list"),
        ("tags != x", 6, "'!=' cannot be asked of a list"),
        ("id = 7", 6, "not a UUID"),
        (f"id > {UUID}", 4, "'>' cannot be asked of this field"),
        ("state.type = BROKEN", 14, "not one of the words of this field: FAILED, RUNNING ("),
        ("state.type = failed", 14, "not one of the words"),
        ("state.type < FAILED", 12, "use =, != or :"),
        ("a = 1.5", 5, "not a whole number"),
        ("a = 9223372036854775808", 5, "at most 64 bits"),
        ("a = ½", 5, "not a whole number"),
        ("start_time > 2026-01-01", 14, "not an RFC 3339 time"),
        ("start_time > 2026-01-01T00:00:00", 14, "says no time zone"),
        ("start_time > 2026-02-29T00:00:00Z", 14, "not a day or an hour that exists"),
        ("start_time > 2026-01-01T25:00:00Z", 14, "not a day or an hour that exists"),
        ("start_time > 2026-01-01T00:00:00+24:00", 14, "not an RFC 3339 time"),
        ("start_time > 2026-01-01T00:00:00Zulu", 34, "'ulu' stands where AND, OR or the end"),
    ],
)
def test_errors_name_column_token_and_fields(text: str, column: int, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(text)
    error = caught.value
    assert (error.reason, error.field) == ("FILTER_INVALID", "filter")
    assert error.message.startswith(f"wrong filter at column {column}: ")
    assert words in error.message
    assert error.message.endswith("fields: a, id, name, tags, state.type, start_time")


def test_a_long_token_is_cut_in_the_error() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse("x" * 5000 + " = 1")
    assert len(caught.value.message) < 250


def test_as_many_terms_as_allowed_and_no_more() -> None:
    tree = parse(" OR ".join(["a = 1"] * MAX_TERMS))
    assert isinstance(tree, AnyOf)
    assert len(tree.terms) == MAX_TERMS
    with pytest.raises(InvalidArgument, match=f"at most {MAX_TERMS}"):
        parse(" OR ".join(["a = 1"] * (MAX_TERMS + 1)))


def test_as_many_parentheses_as_allowed_and_no_more() -> None:
    assert parse("(" * MAX_DEPTH + "a = 1" + ")" * MAX_DEPTH) == a(1)
    with pytest.raises(InvalidArgument, match=f"column {MAX_DEPTH + 1}: .*deeper than {MAX_DEPTH} levels"):
        parse("(" * (MAX_DEPTH + 1) + "a = 1" + ")" * (MAX_DEPTH + 1))


def nested(levels: int) -> str:
    """A filter in which so many levels of AND and OR alternate, with half as many parentheses."""
    text = "a = 1"
    for level in range(levels // 2):
        text = f"a = {level} AND a = 2 OR ({text})"
    return text if levels % 2 == 0 else f"({text}) OR a = 1"


def test_as_many_levels_as_allowed_and_no_more() -> None:
    tree = parse(nested(MAX_DEPTH))
    assert isinstance(tree, AllOf)
    assert tree.height == MAX_DEPTH
    with pytest.raises(InvalidArgument, match=f"deeper than {MAX_DEPTH} levels"):
        parse(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("text", ["(" * 100_000, "NOT (" * 100_000, "-" * 100_000, "a=1 AND (" * 100_000])
def test_depth_never_exhausts_the_stack(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse(text)


PIECES = st.one_of(
    st.sampled_from(["a", "name", "tags", "state.type", "start_time", "id", "AND", "OR", "NOT"]),
    st.sampled_from(["=", "!=", "<", ":", "-", "(", ")", ",", "!", "*", "'", '"', "\\", " ", "\0", "é"]),
    st.sampled_from(["1", '"x"', "FAILED", UUID, "2026-01-01T00:00:00Z", "2026-01-01T"]),
)


@given(st.one_of(st.text(), st.lists(PIECES).map(" ".join), st.lists(PIECES).map("".join)))
@example("name = \ud800")
def test_no_text_raises_anything_but_invalid_argument(text: str) -> None:
    try:
        parse(text)
    except InvalidArgument as error:
        assert error.reason == "FILTER_INVALID"
