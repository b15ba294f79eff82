"""Error against radius, against plain counting."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses.robustness import robustness

UPPER = [0.0, 0.1, 0.2, np.nan, 0.3]
LOWER = [0.0, 0.05, np.nan, 0.25, 0.1]


def tables(upper=UPPER, lower=LOWER, eps=(0.1, 0.3), norm="linf"):
    image = {"net": "A", "seed": 0, "dataset": "toy", "file": "test"}
    ledger = [
        image | {"index": i, "goal": "any", "norm": of, "upper": u * k, "lower": low * k}
        for i, (u, low) in enumerate(zip(upper, lower, strict=True))
        for of, k in (("linf", 1.0), ("l2", 3.0))
    ]
    attacks = [
        image | {"index": i, "attack": "pgd", "norm": norm, "eps": radius}
        for i in range(len(upper))
        for radius in eps
    ]
    others = [image | {"index": 99, "goal": "any", "norm": "linf", "upper": 0.0, "lower": 0.0}]
    return pd.DataFrame(ledger + others), pd.DataFrame(attacks)


def values(*given, **settings):
    found = robustness(*given, labels={}, **settings)
    return found.set_index("column")["value"].to_dict(), found


def test_radii_are_those_of_the_attacks_in_their_norm():
    found, cells = values(*tables())
    assert found == pytest.approx(
        {
            "found at linf 0.1": 40, "open at linf 0.1": 80,
            "found at linf 0.3": 80, "open at linf 0.3": 100,
        }
    )  # fmt: skip
    assert set(cells["n"]) == {5}


def test_a_norm_and_radii_may_be_chosen():
    found, _ = values(*tables(), norm="l2", radii=[0.0, 0.6])
    assert found == pytest.approx(
        {
            "found at l2 0": 20, "open at l2 0": 40,
            "found at l2 0.6": 60, "open at l2 0.6": 80,
        }
    )  # fmt: skip


def test_without_radii_they_are_quartiles_of_what_was_found_and_errors_never_fall():
    ledger, attacks = tables(eps=(np.nan,), norm="l2")
    found, _ = values(ledger, attacks)
    radii = [float(column.split()[-1]) for column in found if column.startswith("found")]
    assert radii == pytest.approx(np.quantile([0.3, 0.6, 0.9], [0.25, 0.5, 0.75]), rel=1e-3)
    rates = [rate for column, rate in found.items() if column.startswith("found")]
    assert rates == sorted(rates)


def test_a_net_without_certificates_says_so():
    ledger, attacks = tables(lower=[np.nan] * 5)
    _, cells = values(ledger, attacks)
    blank = cells[cells["column"].str.startswith("open")]
    assert blank["value"].isna().all()
    assert set(blank["reason"]) == {"no certificate"}
