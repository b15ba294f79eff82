"""The memory that jobs declare grows with the rows that they hold."""

from blindspots.files.parts import MOST
from blindspots.jobs import resources
from tests import evidence

ROWS = 50 * 50 * 10_000


def test_a_row_takes_at_most_half_of_what_is_declared_for_it(tmp_path):
    """The other half is for what an analysis computes from it."""
    frames = evidence.frames(tmp_path, evidence.rows(n=100))
    for name, declared in resources.ROW.items():
        frame = frames[name]
        assert frame.memory_usage(deep=True, index=False).sum() / len(frame) <= declared / 2, name


def test_a_table_read_by_parts_declares_its_longest_part_not_its_rows():
    whole = resources.by_analysis({"transfer": ROWS}, [], keys=50)
    by_parts = resources.by_analysis({"transfer": ROWS}, ["transfer"], keys=50)
    assert whole == ROWS * resources.ROW["transfer"]
    assert by_parts == MOST * resources.ROW["transfer"] + ROWS * resources.PLACE
    assert by_parts < 1.1e9 < 25e9 == whole


def test_a_net_with_more_rows_than_a_part_declares_all_of_them():
    of_one = resources.by_analysis({"transfer": ROWS}, ["transfer"], keys=1)
    assert of_one == ROWS * (resources.ROW["transfer"] + resources.PLACE)
    few = resources.by_analysis({"transfer": 1000}, ["transfer"], keys=50)
    assert few == 1000 * (resources.ROW["transfer"] + resources.PLACE)


def test_some_columns_of_clean_answers_stay_in_memory():
    assert (
        resources.by_analysis({"clean": ROWS}, ["clean"], keys=1) == ROWS * resources.SOME["clean"]
    )


def test_tables_of_ones_own_measurements_declare_their_rows():
    assert resources.by_analysis({"mine": ROWS}, [], keys=1) == ROWS * resources.OTHER
    by_parts = resources.by_analysis({"mine": ROWS}, ["mine"], keys=50)
    assert by_parts == MOST * resources.OTHER + ROWS * resources.PLACE


def test_the_ledger_declares_one_nets_bounds_and_the_audit_all_rows():
    many, one = resources.by_ledger(500_000, 50), resources.by_ledger(10_000, 1)
    assert many < 2 * one
    assert resources.by_audit(500_000, 50) - many == 500_000 * resources.BOUNDS * resources.CLAIM


def test_the_time_that_is_declared_grows_like_the_rows():
    assert resources.minutes(0) == 0 and resources.minutes(1) == 1
    assert abs(resources.minutes(10 * ROWS) - 10 * resources.minutes(ROWS)) < 10
