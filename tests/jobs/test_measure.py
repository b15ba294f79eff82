"""What a measurement returned becomes a table, or is refused in one line."""

import pandas as pd
import pyarrow as pa
import pytest

from blindspots.attacks.table import schema
from blindspots.interface import InputError
from blindspots.jobs.measure import _assert_witnesses, _with_keys

KEYS = {"net": "linear", "seed": 0}


def test_a_table_says_what_it_is_of_where_it_does_not_already():
    for rows in (pd.DataFrame({"v": [1.0], "seed": [7]}), pa.table({"v": [1.0], "seed": [7]})):
        assert _with_keys(rows, KEYS, "here").to_pylist() == [{"v": 1, "seed": 7, "net": "linear"}]


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"v": [object()]}),
        pd.DataFrame({"v": ["text", 3]}),
        pd.DataFrame([[1, 2]], columns=["v", "v"]),
        [1.0],
        None,
    ],
)
def test_what_is_no_table_is_refused_in_one_line(rows):
    with pytest.raises(InputError, match=r"^measurements.own: mine: expected") as error:
        _with_keys(rows, KEYS, "measurements.own: mine")
    assert len(str(error.value).splitlines()) == 1


def test_witnesses_have_the_columns_of_a_table_of_attacks_filled():
    given = schema((1, 2, 2)).empty_table()
    _assert_witnesses(given, "here")
    with pytest.raises(
        InputError, match=r"^here: expected the columns .* found no file, mistaken$"
    ):
        _assert_witnesses(given.drop_columns(["mistaken", "file"]), "here")
    row = {name: [0] for name in given.column_names} | {"net": [None]}
    with pytest.raises(InputError, match=r"found no net$"):
        _assert_witnesses(pa.table(row), "here")
