"""Analyses give the same results for tables by parts as for whole ones."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses.threats import summarised
from blindspots.config import methods
from blindspots.files import tables
from blindspots.files.parts import Parts
from tests import evidence

READINGS = {
    "shows": {"of rows": ["e"]}, "errors_of": {"of rows": "of errors"}, "images": 9,
    "averages": ["mean", "pooled"], "under": {"e": "as printed"}, "stands_for": {}, "answers": {},
    "printed": {
        "of rows": {"A": {"B": 30, "distortion": 0.1}, "closest": {"C": 30}},
        "of errors": {"A": {"test": 20}},
    },
}  # fmt: skip
SETTINGS = {
    "errors": {"parts": ["test"]}, "units": {"correct": False}, "multiverse": READINGS,
}  # fmt: skip
ANALYSES = [name for name in methods.names("analyses") if methods.by_parts("analyses", name)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Tables of three nets and seeds; some attacks fail, and a net errs often."""
    folder = tmp_path_factory.mktemp("tables")
    found = evidence.rows(nets=("A", "B", "C"), seeds=(0, 1, 2), n=9, wrong=2,
                          fooled=lambda index: index % 4 > 0)  # fmt: skip
    rng = np.random.default_rng(0)
    for row in found["transfer"]:
        if rng.random() < 0.4:
            row["prediction"] = int(rng.integers(-1, 3))
    for row in found["radii"]:
        for name in ("noise_fooled", "noise_in_box_fooled"):
            row[name] = None if row[name] is None else int(rng.integers(0, 4))
    evidence.frames(folder, found)
    return folder


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.parametrize("several", [False, True])
def test_by_parts_it_is_the_same_table(files, name, several):
    analysis = methods.find("analyses", name)
    by_parts = methods.by_parts("analyses", name)
    labels = {"labels": {"A": "first"}} if methods.takes("analyses", name, "labels") else {}
    settings = labels | SETTINGS.get(name, {})
    read = methods.inputs("analyses", name)
    whole = {table: tables.frame([files / f"{table}.parquet"]) for table in read}
    found = []
    for most in (10**6, 40, 1):
        by = {table: Parts([files / f"{table}.parquet"], most=most) for table in by_parts}
        found.append(summarised(analysis, whole | by, settings, name, several=several))
    expected = summarised(analysis, whole, settings, name, several=several)
    for of in found:
        pd.testing.assert_frame_equal(of, expected, check_exact=True)
