"""The columns that docs/files.md lists are those of the code, and so are the cells of results."""

import re
from collections import defaultdict

import pyarrow as pa
import pytest

from blindspots.attacks import table as attacks
from blindspots.config import methods
from blindspots.config.declarations import STORED, measurement
from blindspots.files import splits
from blindspots.trainers import table as trainers
from tests import evidence
from tests.conftest import ROOT
from tests.test_empty_evidence import CASES, SHOWS, called

PAGE = (ROOT / "docs/files.md").read_text("utf-8")
SCHEMAS = evidence.SCHEMAS | {
    "split": splits.SCHEMA,
    "history": pa.schema([*trainers.COMMON, pa.field("seconds", pa.float64(), nullable=False)]),
    "witnesses": attacks.schema(evidence.SHAPE),
}
NAME = r"`([^`]+)`"


def lines(section):
    """Return the rows of the tables below a heading, each a list of cells."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    rows = re.findall(r"^\| (`.*) \|$", text, re.M)
    return [row.split(" | ") for row in rows]


TABLES = {
    re.search(NAME, row[0])[1]: re.findall(NAME, row[2])
    for row in lines("Columns of the tables")
    if "(" not in row[0] and re.search(NAME, row[0])[1] in SCHEMAS
}
ENTRIES = lines("Columns of the tables")[len(TABLES) :]
CELLS = {re.search(NAME, row[0])[1]: row[1:] for row in lines("Cells of the result tables")}


def kind(field):
    """Return the type of a column in the page's words."""
    if isinstance(field.type, pa.FixedShapeTensorType):
        return "image"
    for is_one, word in (
        (pa.types.is_integer, "whole number"), (pa.types.is_floating, "number"),
        (pa.types.is_boolean, "true or false"),
    ):  # fmt: skip
        if is_one(field.type):
            return word
    return "text"


def entries():
    """Return number, type and meaning of every column of every table."""
    found = {}
    for number, (names, types, meaning) in enumerate(ENTRIES):
        several = types.split(", ")
        parts = re.findall(NAME + r"(?: \(`(\w+)`\))?", names)
        of_each = several if len(several) == len(parts) else several * len(parts)
        for (column, table), word in zip(parts, of_each, strict=True):
            assert (column, table) not in found, f"{column} has two entries"
            found[column, table] = number, word, meaning
    listed = [(column, table) for table, columns in TABLES.items() for column in columns]
    assert {key for key in found if key[1]} <= {*listed}
    return {
        (table, name): found.get((name, table), found.get((name, ""))) for name, table in listed
    }


def test_every_analysis_has_its_cells_on_the_page():
    assert CELLS.keys() == {*methods.names("analyses")}


def test_every_table_that_an_analysis_can_read_is_listed_with_its_columns():
    made = [measurement(name).given for name in methods.names("measurements")]
    assert TABLES.keys() == {*STORED, *(table for tables in made for table in tables)}
    for table, columns in TABLES.items():
        wanted = SCHEMAS[table].names
        assert columns == (["attacks"] if table == "witnesses" else wanted), table


def test_every_column_has_an_entry_with_its_type_which_says_what_null_is():
    nullable = defaultdict(set)
    for (table, column), entry in entries().items():
        if table == "witnesses":
            continue
        assert entry is not None, f"{table}.{column}"
        number, word, _ = entry
        assert word == kind(SCHEMAS[table].field(column)), f"{table}.{column}"
        nullable[number].add(SCHEMAS[table].field(column).nullable)
    assert nullable.keys() == {*range(len(ENTRIES))}
    for number, (names, _, meaning) in enumerate(ENTRIES):
        assert ("null" in meaning) == (True in nullable[number]), names


def pattern(name):
    """Return a pattern for a name of rows or columns, in which words in capitals match any text."""
    literal = re.escape(name)
    return re.sub(r"\b[A-Z]{2,}\b", ".+", literal)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Names of the rows and columns of each analysis, over all cases."""
    found = {method: (set(), set()) for method in methods.names("analyses")}
    for case, make in CASES.items():
        folder, rows = tmp_path_factory.mktemp("case"), make()
        tables = evidence.frames(folder, rows)
        validation = evidence.frames(folder, evidence.validation(rows))["split"]
        for method, names in found.items():
            given = tables | {"split": validation} if method == "search" else tables
            shows = [{"show": show} for show in SHOWS] if method == "multiverse" else [{}]
            for more in shows:
                summary = called(case, "analyses", method, given, **more)
                for of, seen in zip(("row", "column"), names, strict=True):
                    seen.update(summary[of])
    return found


@pytest.mark.parametrize("method", methods.names("analyses"))
def test_the_cells_of_a_result_table_have_the_names_of_the_page(made, method):
    for seen, text in zip(made[method], CELLS[method], strict=True):
        listed = re.findall(NAME, re.sub(f"of {NAME}(, {NAME})* ", "", text))  # without the setting
        known = "|".join(map(pattern, listed))
        assert [name for name in seen if not re.fullmatch(known, name)] == []
        unmade = [n for n in listed if not any(re.fullmatch(pattern(n), name) for name in seen)]
        assert unmade == []
