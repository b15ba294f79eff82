"""Rows that join several pairs of source and victim, recomputed on small frames."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from blindspots import statistics
from blindspots.analyses import _joint, effects, excess, kit
from blindspots.files import tables
from blindspots.randomness import derived_seed
from tests.analyses.test_transfer_statistics import N, frames, wrong
from tests.evidence import judging

NETS = "ABCD"


def of(analysis, evidence, **labels):
    summary = judging(analysis)(*evidence, labels=labels)
    tables.from_frame(summary, kit.SCHEMA)
    return summary.set_index(["row", "column"])


def by_image(evidence, column, seed=0):
    """Values (images, pairs) behind a column, with missing images of noise, and the victims."""
    transfer, clean, radii = evidence
    values, victims = [], []
    for source, victim in itertools.permutations(NETS, 2):
        at = {"source": source, "victim": victim, "seed": seed}
        attacked = wrong(transfer, **at)
        noise = radii
        for key, value in at.items():
            noise = noise[noise[key] == value]
        noise = noise.sort_values("index")["noise_fooled"].to_numpy(float) / 4
        less = wrong(clean, net=victim, seed=seed) if column == "clean" else noise
        values.append(100.0 * (attacked.astype(float) - less))
        victims.append(victim)
    return np.array(values).T, np.array(victims)


def some_missing(evidence):
    transfer, clean, radii = evidence
    at = (radii["source"] == "A") & (radii["victim"] == "B") & (radii["index"] < 9)
    return transfer, clean, radii.assign(noise_fooled=radii["noise_fooled"].where(~at))


@pytest.mark.parametrize("column", ["noise", "clean"])
def test_rows_that_join_pairs_have_the_mean_of_a_victims_pairs_and_the_median_of_all(column):
    evidence = some_missing(frames(nets=NETS))
    found = of(excess.excess, evidence, B="net B")
    values, victims = by_image(evidence, column)
    means = np.nanmean(values, axis=0)
    median = found.loc[("median over pairs", column)]
    assert median["value"] == pytest.approx(np.median(means))
    of_b = found.loc[("victim B", column)]
    assert of_b["value"] == pytest.approx(means[victims == "B"].mean())
    assert of_b["row_label"] == "mean over sources → net B" and of_b["n"] == N
    assert set(found.xs("raw", level="column").index) == {
        f"{s} → {v}" for s, v in itertools.permutations(NETS, 2)
    }


@pytest.mark.parametrize("column", ["noise", "clean"])
def test_with_one_seed_their_interval_is_a_bootstrap_over_images_of_all_pairs_together(column):
    evidence = some_missing(frames(nets=NETS))
    found = of(excess.excess, evidence)
    values, victims = by_image(evidence, column)
    rng = np.random.default_rng(derived_seed(0, "images of pairs"))
    chunks = [rng.integers(N, size=(_joint.AT_ONCE, N)) for _ in range(_joint.DRAWS // 100)]
    drawn = np.array([np.nanmean(values[places], axis=0) for places in np.concatenate(chunks)])
    for row, figures in (
        ("median over pairs", np.median(drawn, axis=1)),
        ("victim C", drawn[:, victims == "C"].mean(axis=1)),
    ):
        cell = found.loc[(row, column)]
        expected = np.quantile(figures, [0.025, 0.975])
        assert cell[["low", "high"]].tolist() == pytest.approx(expected.tolist())
        assert cell["interval"] == "bootstrap"


def test_over_seeds_their_interval_is_students():
    evidence = frames(seeds=(0, 1, 2), nets=NETS)
    cell = of(excess.excess, evidence).loc[("median over pairs", "clean")]
    values = [np.median(by_image(evidence, "clean", s)[0].mean(axis=0)) for s in range(3)]
    expected = stats.t(2, np.mean(values), stats.sem(values)).interval(0.95)
    assert cell["value"] == pytest.approx(np.mean(values))
    assert cell[["low", "high"]].tolist() == pytest.approx(list(expected))
    assert (cell["networks"], cell["interval"]) == (3, "student")


def test_two_nets_have_no_rows_that_join_pairs():
    found = of(excess.excess, frames())
    assert set(found.index.get_level_values("row")) == {"A → B", "B → A"}


def fixed(errors, n=200):
    """Answers of nets that are right unaltered, wrong on the first `errors[pair]` images."""
    nets = list(dict.fromkeys(net for pair in errors for net in pair))
    images = pd.DataFrame({"seed": 0, "dataset": "D", "file": "test", "index": range(n),
                           "label": 1})  # fmt: skip
    clean = pd.concat([images.assign(net=net, prediction=1) for net in nets])
    shown = [
        images.assign(
            experiment="e", source=source, attack="lbfgs", amplified_to=np.nan, victim=victim,
            victim_seed=0, prediction=1 + (images["index"] < errors.get((source, victim), n)),
            success=True, distortion=0.1,
        )
        for source in nets for victim in nets
    ]  # fmt: skip
    transfer = pd.concat(shown, ignore_index=True)
    radii = transfer.drop(columns=["amplified_to", "prediction"])
    noise = {"noise_fooled": 0, "noise_draws": 4}
    in_box = {"noise_in_box_fooled": 0, "noise_in_box_draws": 4}
    return transfer, clean, radii.assign(**noise, **in_box, radius=0.1)


def test_one_victim_moves_the_mean_and_not_the_median():
    errors = dict.fromkeys(itertools.permutations(NETS, 2), 10)
    evidence = fixed(errors | {(source, "D"): 190 for source in "ABC"})
    found = of(excess.excess, evidence)["value"]
    assert of(effects.effects, evidence)["value"]["error beyond noise", "mean"] == 27.5
    assert found["median over pairs", "noise"] == 5
    assert found["victim D", "noise"] == 95 and found["victim A", "noise"] == 5


def test_pairs_that_are_alike_on_every_image_have_an_interval_of_some_width():
    evidence = fixed(dict.fromkeys(itertools.permutations(NETS, 2), 0))
    cell = of(excess.excess, evidence).loc[("median over pairs", "noise")]
    others = 100 * statistics.clopper_pearson(0, 200)[1]
    assert cell[["low", "high"]].tolist() == pytest.approx([-others, others])
    assert (cell["value"], cell["interval"]) == (0, "exact")


def test_the_interval_of_the_median_covers_other_images():
    rng, held = np.random.default_rng(0), []
    rates = np.array([0.05, 0.1, 0.2, 0.25, 0.5])
    for _ in range(300):
        image = rng.random((150, 1))  # some images are hard for all victims
        drawn = 100.0 * (0.5 * image + 0.5 * rng.random((150, 5)) < rates)
        series = {(str(i), "V"): pd.Series(drawn[:, i]) for i in range(5)}
        *_, row = _joint.joint_rows({0: series}, {}, "points")
        truth = 100 * triangular(rates)[2]
        held.append(row["low"] <= truth <= row["high"])
    assert np.mean(held) >= 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / 300)


def triangular(x):
    """Distribution function at x ≤ ½ of the mean of two uniform numbers."""
    return 2 * x**2


def effect(evidence, **labels):
    return of(effects.effects, evidence, **labels).xs("mean", level="column")


def test_the_least_advantage_of_a_victim_is_on_the_sources_common_to_both():
    evidence = frames(nets=NETS)
    found = effect(evidence, D="net D")
    values, victims = by_image(evidence, "clean")
    sources = np.array([source for source, _ in itertools.permutations(NETS, 2)])
    for victim in NETS:
        differences = []
        for other in set(NETS) - {victim}:
            common = [s for s in NETS if s not in (victim, other)]
            of_both = [
                [values[:, (sources == s) & (victims == v)][:, 0] for s in common]
                for v in (other, victim)
            ]
            differences.append(np.mean(of_both[0], axis=0) - np.mean(of_both[1], axis=0))
        cell = found.loc[f"least advantage of {victim}"]
        assert cell["value"] == pytest.approx(min(each.mean() for each in differences))
        intervals = [stats.t(N - 1, d.mean(), stats.sem(d)) for d in differences]
        low = min(each.interval(0.95)[0] for each in intervals)
        high = min(each.interval(1 - 0.05 / 3)[1] for each in intervals)
        assert cell[["low", "high"]].tolist() == pytest.approx([low, high])
        assert (cell["interval"], cell["n"]) == ("extreme images", N)
    assert "net D" in found.loc["least advantage of D", "row_label"]


def test_a_victim_harder_than_the_mean_is_not_the_hardest_if_another_one_is_harder():
    errors = dict.fromkeys(itertools.permutations(NETS, 2), 100)
    errors |= {(source, "C"): 20 for source in "ABD"} | {(source, "D"): 10 for source in "ABC"}
    found = effect(fixed(errors))
    assert found.loc["advantage of C", "low"] > 0  # the rule that was refuted
    assert found.loc["least advantage of C", "value"] == -5
    assert found.loc["least advantage of C", "high"] < 0
    assert found.loc["least advantage of D", "low"] > 0


def test_over_seeds_the_least_advantage_has_an_interval_over_seeds():
    found = effect(frames(seeds=(0, 1, 2), nets=NETS))
    cell = found.loc["least advantage of A"]
    assert (cell["networks"], cell["interval"], cell["n"]) == (3, "extreme", N)
    assert cell["low"] < cell["value"] < cell["high"]


def test_a_least_advantage_that_is_equal_over_seeds_has_an_interval_of_some_width():
    evidence = fixed(dict.fromkeys(itertools.permutations(NETS, 2), 0))
    seeds = [
        [part.assign(**{key: seed for key in ("seed", "victim_seed") if key in part})
         for part in evidence]
        for seed in range(3)
    ]  # fmt: skip
    found = effect([pd.concat(parts) for parts in zip(*seeds, strict=True)])
    cell, others = found.loc["least advantage of A"], np.array([-1, 1])
    bounds = [1 - (0.05 / 2) ** (1 / 200), 1 - (0.05 / 3 / 2) ** (1 / 200)]  # of 0 in 200 images
    assert cell[["low", "high"]].tolist() == pytest.approx(list(100 * others * bounds))
    assert (cell["value"], cell["networks"], cell["n"]) == (0, 3, 200)


def test_two_nets_have_no_sources_in_common():
    assert not effect(frames()).index.str.startswith("least").any()
