from blindspots.interface import Status
from blindspots.trainers import _table


def test_a_term_that_only_later_rows_have_is_null_before():
    rows = [
        {"iteration": 1, "loss": 2.0, "seconds": 0.1},
        {"iteration": 2, "loss": 1.0, "layer0_error": 5.0, "seconds": 0.2},
    ]
    table = _table.build("A", 3, rows, Status.CONVERGED)
    assert table.column_names[-3:] == ["loss", "layer0_error", "seconds"]
    assert table["layer0_error"].to_pylist() == [None, 5.0]
    assert table["status"].to_pylist() == [None, "CONVERGED"]
