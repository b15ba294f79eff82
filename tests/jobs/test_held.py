"""The memory that jobs declare grows with the rows that they hold."""

from blindspots.files.parts import MOST
from blindspots.jobs import held

ROWS = 50 * 50 * 10_000


def test_a_table_read_by_parts_declares_its_longest_part_not_its_rows():
    whole = held.by_analysis({"transfer": ROWS}, [], keys=50)
    by_parts = held.by_analysis({"transfer": ROWS}, ["transfer"], keys=50)
    assert whole == ROWS * held.ROW["transfer"]
    assert by_parts == MOST * held.ROW["transfer"] + ROWS * held.PLACE
    assert by_parts < 1.1e9 < 25e9 == whole


def test_a_net_with_more_rows_than_a_part_declares_all_of_them():
    of_one = held.by_analysis({"transfer": ROWS}, ["transfer"], keys=1)
    assert of_one == ROWS * (held.ROW["transfer"] + held.PLACE)
    few = held.by_analysis({"transfer": 1000}, ["transfer"], keys=50)
    assert few == 1000 * (held.ROW["transfer"] + held.PLACE)


def test_tables_of_ones_own_measurements_declare_their_rows():
    assert held.by_analysis({"mine": ROWS}, [], keys=1) == ROWS * held.OTHER
    by_parts = held.by_analysis({"mine": ROWS}, ["mine"], keys=50)
    assert by_parts == MOST * held.OTHER + ROWS * held.PLACE


def test_the_ledger_declares_one_nets_bounds_and_the_audit_all_rows():
    many, one = held.by_ledger(500_000, 50), held.by_ledger(10_000, 1)
    assert many < 2 * one
    assert held.by_audit(500_000, 50) - many == 500_000 * held.BOUNDS * held.CLAIM


def test_the_time_that_is_declared_grows_like_the_rows():
    assert held.minutes(0) == 0 and held.minutes(1) == 1
    assert abs(held.minutes(10 * ROWS) - 10 * held.minutes(ROWS)) < 10
