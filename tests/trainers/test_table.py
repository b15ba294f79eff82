import pytest

from blindspots.interface import InputError, Status
from blindspots.trainers import table


def test_a_term_that_only_later_rows_have_is_null_before():
    rows = [
        {"iteration": 1, "loss": 2.0, "seconds": 0.1},
        {"iteration": 2, "loss": 1.0, "layer0_error": 5.0, "seconds": 0.2},
    ]
    built = table.build("A", 3, rows, Status.CONVERGED)
    assert built.column_names[-3:] == ["loss", "layer0_error", "seconds"]
    assert built["layer0_error"].to_pylist() == [None, 5.0]
    assert built["status"].to_pylist() == [None, "CONVERGED"]


ROW = {"iteration": 1, "loss": 2.0, "seconds": 0.1}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "found NoneType; return rows, Status.CONVERGED"),
        ([ROW], "found list"),
        (([], Status.CONVERGED), "found 0 rows"),
        (([ROW], "done"), "found 1 rows and 'done'"),
        (([ROW, {"iteration": 2}], Status.CONVERGED), "rows[1]: expected finite numbers by name"),
        (([ROW | {"iteration": 0.5}], Status.CONVERGED), "found {'iteration': 0.5}"),
        (([ROW | {"loss": float("nan")}], Status.CONVERGED), "found {'loss': nan}"),
        (([ROW | {"loss": "small"}], Status.CONVERGED), "found {'loss': 'small'}"),
        (([3], Status.CONVERGED), "found 3"),
    ],
)
def test_what_a_trainer_returned_is_refused_in_a_line_where_it_is_no_history(found, told):
    with pytest.raises(InputError) as error:
        table.checked(found, "my_lab:train")
    assert str(error.value).startswith("my_lab:train: expected a trainer to return rows")
    assert told in str(error.value)


def test_a_diverged_training_keeps_its_last_row():
    rows = [ROW | {"loss": float("nan"), "kind": None}]
    assert table.checked((rows, Status.NON_FINITE), "sgd") == (rows, Status.NON_FINITE)
