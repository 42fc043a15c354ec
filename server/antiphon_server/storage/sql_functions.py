"""The functions that SQLite and PostgreSQL spell differently; statements made of these compile for either."""

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Spelled(FunctionElement[Any]):
    """A function with a spelling for each dialect; `{0}` is its first argument."""

    inherit_cache = True
    spellings: ClassVar[Mapping[str, str]]


@compiles(_Spelled)
def _compile(element: _Spelled, compiler: SQLCompiler, **options: Any) -> str:
    arguments = [compiler.process(argument, **options) for argument in element.clauses]
    return element.spellings[compiler.dialect.name].format(*arguments)


class json_texts(_Spelled):
    """The strings of a JSON list of strings, as a table with a column `value`."""

    inherit_cache = True
    name = "json_texts"
    spellings: ClassVar = {"sqlite": "json_each({0})", "postgresql": "json_array_elements_text(CAST({0} AS JSON))"}


class text_bytes(_Spelled):
    """The size of a text in UTF-8. SQLite reads the text for it."""

    inherit_cache = True
    name = "text_bytes"
    type = BigInteger()
    spellings: ClassVar = {"sqlite": "length(CAST({0} AS BLOB))", "postgresql": "octet_length({0})"}


class blob_bytes(_Spelled):
    """The size of a blob, which is known without reading it."""

    inherit_cache = True
    name = "blob_bytes"
    type = BigInteger()
    spellings: ClassVar = {"sqlite": "length({0})", "postgresql": "octet_length({0})"}


class unindexed(_Spelled):
    """The value of a column, in a way that no index answers: SQLite, which knows nothing of what tables hold, takes any
    index for good."""

    inherit_cache = True
    name = "unindexed"
    # With a plus before the column SQLite would still walk partial indexes.
    spellings: ClassVar = {"sqlite": "coalesce({0}, NULL)", "postgresql": "{0}"}

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type
        self.nullable = getattr(column, "nullable", True)


class text_end(_Spelled):
    """The last `{1}` characters of a text, or all of a shorter one."""

    inherit_cache = True
    name = "text_end"
    type = Text()
    spellings: ClassVar = {"sqlite": "substr({0}, -{1})", "postgresql": "right({0}, {1})"}


class text_position(_Spelled):
    """Where the text `{1}` begins in `{0}`, from 1; 0 if it is not in it. Case counts, as it does not with LIKE."""

    inherit_cache = True
    name = "text_position"
    type = BigInteger()
    spellings: ClassVar = {"sqlite": "instr({0}, {1})", "postgresql": "strpos({0}, {1})"}


class greater(_Spelled):
    """The greater one of two numbers."""

    inherit_cache = True
    name = "greater"
    type = BigInteger()
    spellings: ClassVar = {"sqlite": "max({0}, {1})", "postgresql": "greatest({0}, {1})"}
