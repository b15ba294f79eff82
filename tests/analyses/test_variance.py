"""Variance components: planted ones are found, and a table agrees with one by hand."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import kit, variance
from blindspots.files import tables
from tests.evidence import judging

NETS = "ABCDEF"


def planted(generator, seeds, source=0.0, victim=0.0, pair=0.0, rest=0.0, same=0.0, nets=0.0):
    of_net = generator.normal(0, nets, (2, len(NETS))) if nets else np.zeros((2, len(NETS)))
    grids = {}
    for i, a in enumerate(NETS):
        for j, b in enumerate(NETS):
            if a != b:
                grid = np.full((seeds, seeds), of_net[0, i] + of_net[1, j])
                grid += generator.normal(0, pair)
                grid += generator.normal(0, source, (seeds, 1))
                grid += generator.normal(0, victim, (1, seeds))
                grids[a, b] = (
                    grid + generator.normal(0, rest, (seeds, seeds)) + same * np.eye(seeds)
                )
    return grids


def test_planted_components_are_found_on_average():
    generator = np.random.default_rng(0)
    truth = {"source seed": 9, "victim seed": 4, "rest": 2.25, "pair": 16, "source": 36,
             "victim": 36, "split": 4 * 0.2 * 0.8}  # fmt: skip
    runs = pd.DataFrame(
        [
            variance.components(
                planted(generator, 5, source=3, victim=2, pair=4, rest=1.5, same=2, nets=6)
            )
            for _ in range(300)
        ]
    )
    for name, expected in truth.items():  # four standard errors: one run in 16 000 by chance
        assert abs(runs[name].mean() - expected) < 4 * runs[name].sem(), name


def test_without_an_effect_its_component_is_nothing_on_average():
    generator = np.random.default_rng(1)
    runs = pd.DataFrame([variance.components(planted(generator, 5, rest=1.0)) for _ in range(300)])
    for key in ("source seed", "victim seed", "pair", "source", "victim", "split"):
        assert abs(runs[key].mean()) < 4 * runs[key].sem(), key


def test_what_pairs_differ_by_is_not_taken_for_the_nets():
    generator = np.random.default_rng(2)
    three = [{p: grid for p, grid in planted(generator, 5, pair=4).items() if set(p) <= set("ABC")}
             for _ in range(2000)]  # fmt: skip
    runs = pd.DataFrame([variance.components(grids) for grids in three])
    for name, expected in (("source", 0), ("victim", 0), ("pair", 16)):
        assert abs(runs[name].mean() - expected) < 4 * runs[name].sem(), name


def frames(seeds):
    generator = np.random.default_rng(0)
    images = pd.DataFrame({"dataset": "D", "file": "test", "index": range(20), "label": 1})
    clean = [images.assign(net=n, seed=s, prediction=1) for n in "ABC" for s in range(seeds)]
    transfer = [
        images.assign(
            source=a, victim=b, experiment="e", success=True, seed=s, victim_seed=t,
            amplified_to=np.nan, distortion=0.1,
            prediction=1 + (generator.random(20) < 0.3),
        )
        for a in "ABC" for b in "ABC" for s in range(seeds) for t in range(seeds)
    ]  # fmt: skip
    return pd.concat(transfer), pd.concat(clean)


def test_the_grid_is_the_excess_error_by_seeds():
    transfer, clean = frames(3)
    grid = judging(variance._grids)(transfer, clean)["A", "B"]
    at = (transfer["source"] == "A") & (transfer["victim"] == "B")
    at &= (transfer["seed"] == 2) & (transfer["victim_seed"] == 1)
    assert grid[2, 1] == pytest.approx(100 * (transfer[at]["prediction"] != 1).mean())


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_table_has_a_share_for_each_component_or_says_what_it_needs(seeds):
    summary = judging(variance.variance)(*frames(seeds))
    tables.from_frame(summary, kit.SCHEMA)
    shares = summary[summary["column"] == "share"]["value"]
    if seeds < 3:
        assert shares.isna().all()
        assert summary["reason"].str.startswith("needs across_seeds").all()
    else:
        assert shares.sum() == pytest.approx(100)
