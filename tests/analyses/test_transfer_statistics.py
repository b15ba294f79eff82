"""The tables on transfer, recomputed with plain pandas on small frames."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from blindspots import statistics
from blindspots.analyses import alignment, excess, kit, radius
from blindspots.analyses._mantel import mantel_p
from blindspots.analyses.transfer import transfer as shown_to
from blindspots.files import tables
from blindspots.threat.outcomes import NO_CLASS
from tests.evidence import judging

N = 60
LABELS = {"A": "net A", "B": "net B"}


def fits(summary):
    tables.from_frame(summary, kit.SCHEMA)
    return summary.set_index(["row", "column"])


def frames(seeds=(0,), generator=None, nets="AB"):
    """Answers of some of the nets A to D to each other's images; labels 1, wrong answers 2."""
    generator = generator or np.random.default_rng(0)
    in_box = np.random.default_rng(1)
    transfer, clean, radii = [], [], []
    for seed in seeds:
        images = pd.DataFrame(
            {"seed": seed, "dataset": "D", "file": "test", "index": range(N), "label": 1}
        )
        shown = images.assign(experiment="e")
        for net, rate in zip(nets, (0.1, 0.2, 0.3, 0.4), strict=False):
            clean.append(images.assign(net=net, prediction=1 + (generator.random(N) < rate)))
            for source in nets:
                wrong = np.ones(N) if source == net else generator.random(N) < 0.4
                transfer.append(
                    shown.assign(
                        source=source, attack="lbfgs", amplified_to=np.nan, victim=net,
                        victim_seed=seed, prediction=1 + wrong.astype(int), success=True,
                        distortion=0.1,
                    )
                )  # fmt: skip
                radii.append(
                    shown.assign(
                        source=source, attack="lbfgs", victim=net, success=True, noise_draws=4,
                        radius=generator.uniform(0.02, 0.3, N),
                        noise_fooled=generator.integers(0, 2, N), noise_in_box_draws=5,
                        noise_in_box_fooled=in_box.integers(0, 6, N),
                    )
                )  # fmt: skip
    return tuple(pd.concat(rows, ignore_index=True) for rows in (transfer, clean, radii))


def wrong(frame, **at):
    for column, value in at.items():
        frame = frame[frame[column] == value]
    return (frame.sort_values("index")["prediction"] != 1).to_numpy()


def test_three_readings_of_transfer_are_differences_image_by_image():
    transfer, clean, radii = frames()
    found = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    assert set(found.index.get_level_values("row")) == {"A → B", "B → A"}
    attacked = wrong(transfer, source="A", victim="B")
    before, source = wrong(clean, net="B"), wrong(clean, net="A")
    of = radii[(radii["source"] == "A") & (radii["victim"] == "B")].sort_values("index")
    noise = of["noise_fooled"].to_numpy() / 4
    in_box = of["noise_in_box_fooled"].to_numpy() / 5
    cell = found.loc["A → B"]
    assert cell.loc["raw", "value"] == pytest.approx(100 * attacked.mean())
    assert cell.loc["clean", "value"] == pytest.approx(100 * (attacked.mean() - before.mean()))
    expected = 100 * np.array(statistics.paired(attacked, before))
    assert cell.loc["clean", ["low", "high"]].tolist() == pytest.approx(list(expected))
    assert cell.loc["noise", "value"] == pytest.approx(100 * (attacked - noise).mean())
    interval = stats.ttest_1samp(100 * (attacked - noise), 0).confidence_interval(0.95)
    assert cell.loc["noise", ["low", "high"]].tolist() == pytest.approx(list(interval))
    assert cell.loc["noise in the box", "value"] == pytest.approx(100 * (attacked - in_box).mean())
    right = ~before & ~source
    assert cell.loc["right raw", ["value", "n"]].tolist() == pytest.approx(
        [100 * attacked[right].mean(), right.sum()]
    )
    assert cell.loc["right noise", "value"] == pytest.approx(100 * (attacked - noise)[right].mean())
    only = (attacked & ~before).sum(), (before & ~attacked).sum()
    assert cell.loc["p", "value"] == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    assert cell.loc["raw", "row_label"] == "net A → net B"


def test_over_seeds_the_interval_is_students():
    transfer, clean, radii = frames(seeds=(0, 1, 2))
    found = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    values = [
        100 * (wrong(transfer, source="A", victim="B", seed=s).mean()
               - wrong(clean, net="B", seed=s).mean())
        for s in range(3)
    ]  # fmt: skip
    cell = found.loc[("A → B", "clean")]
    assert cell["value"] == pytest.approx(np.mean(values))
    expected = stats.t(2, np.mean(values), stats.sem(values)).interval(0.95)
    assert cell[["low", "high"]].tolist() == pytest.approx(list(expected))
    assert (cell["networks"], cell["interval"]) == (3, "student")


def test_without_a_success_or_an_image_that_both_get_right_a_cell_says_why():
    transfer, clean, radii = frames()
    fooled = ["noise_fooled", "noise_in_box_fooled"]
    radii.loc[radii["source"] == "A", ["success", *fooled]] = [False, np.nan, np.nan]
    clean.loc[clean["net"] == "A", "prediction"] = 2
    found = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    assert np.isnan(found.loc[("A → B", "noise"), "value"])
    for column in ("noise", "noise in the box"):
        assert found.loc[("A → B", column), "reason"] == "no attack succeeded"
    assert found.loc[("B → A", "right raw"), "reason"] == "no image that both nets get right"


def test_noise_that_has_no_room_in_the_box_has_a_cell_that_says_so():
    transfer, clean, radii = frames()
    full = (radii["source"] == "A") & (radii["index"] < 50)
    radii.loc[full, ["noise_in_box_fooled", "noise_in_box_draws"]] = [np.nan, 0]
    found = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    assert found.loc[("A → B", "noise in the box"), "text"].endswith("(10 of 60)")
    assert found.loc[("A → B", "noise"), "n"] == 60
    radii.loc[radii["source"] == "A", ["noise_in_box_fooled", "noise_in_box_draws"]] = [np.nan, 0]
    found = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    assert found.loc[("A → B", "noise in the box"), "reason"] == excess.NO_ROOM
    assert found.loc[("B → A", "noise in the box"), "n"] == 60


def test_a_rejection_is_no_error_and_its_share_is_beside_it():
    transfer, clean, radii = frames()
    at = (transfer["source"] == "A") & (transfer["victim"] == "B")
    transfer.loc[at & (transfer["index"] < 15), "prediction"] = NO_CLASS
    found = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    answers = transfer.loc[at, "prediction"]
    assert found.loc[("A → B", "raw"), "value"] == pytest.approx(100 * (answers == 2).mean())
    assert found.loc[("A → B", "rejected"), ["value", "n"]].tolist() == [25, 60]
    assert found.loc[("B → A", "rejected"), "value"] == 0
    plain = fits(judging(excess.excess)(*frames(), labels=LABELS))
    assert "rejected" not in plain.index.get_level_values("column")


def test_what_is_beyond_noise_is_over_images_that_were_perturbed_and_says_of_how_many():
    transfer, clean, radii = frames()
    of_a = transfer["source"] == "A"
    transfer.loc[of_a & (transfer["index"] < 10), "distortion"] = 0.0  # wrong already
    failed = transfer["index"].between(10, 39)
    transfer.loc[of_a & failed, ["success", "distortion"]] = [False, np.nan]
    radii.loc[(radii["source"] == "A") & radii["index"].between(10, 39), "noise_fooled"] = np.nan
    cell = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS)).loc[
        ("A → B", "noise")
    ]
    attacked = wrong(transfer, source="A", victim="B")[40:]
    of = radii[(radii["source"] == "A") & (radii["victim"] == "B")].sort_values("index")
    expected = 100 * (attacked - of["noise_fooled"].to_numpy(float)[40:] / 4).mean()
    assert cell[["value", "n"]].tolist() == pytest.approx([expected, 20])
    assert cell["text"] == f"{expected:+.1f} (20 of 50)"


def test_the_radius_is_the_median_over_images_that_both_get_right():
    _, clean, radii = frames()
    right = ~wrong(clean, net="A") & ~wrong(clean, net="B")
    radii.loc[(radii["victim"] == "B") & wrong(clean, net="B")[radii["index"]], "radius"] = 0.0
    radii.loc[(radii["victim"] == "A") & wrong(clean, net="A")[radii["index"]], "radius"] = 0.0
    found = fits(judging(radius.radius)(radii, clean, labels=LABELS))
    of = radii[(radii["source"] == "A") & (radii["victim"] == "B")].sort_values("index")
    cell = found.loc[("A", "B")]
    assert cell["value"] == pytest.approx(np.median(of["radius"][right]))
    assert cell["n"] == right.sum()
    assert cell["low"] < cell["value"] < cell["high"]


def test_a_median_over_few_successes_says_of_how_many():
    _, clean, radii = frames()
    right = ~wrong(clean, net="A") & ~wrong(clean, net="B")
    radii.loc[(radii["source"] == "A") & (radii["index"] > 10), ["success", "radius"]] = [
        False,
        None,
    ]
    of = radii[(radii["source"] == "A") & (radii["victim"] == "B")].sort_values("index")
    cell = fits(judging(radius.radius)(radii, clean, labels=LABELS)).loc[("A", "B")]
    expected = np.median(of["radius"][right & (of["index"] <= 10).to_numpy()])
    assert cell["text"] == f"{expected:.3f} ({right[:11].sum()} of {right.sum()})"


def test_a_victim_that_is_mostly_not_fooled_has_no_median_but_a_reason():
    _, clean, radii = frames()
    at = (radii["source"] == "A") & (radii["victim"] == "B") & (radii["index"] > 10)
    radii.loc[at, "radius"] = np.nan
    cell = fits(judging(radius.radius)(radii, clean, labels=LABELS)).loc[("A", "B")]
    assert np.isnan(cell["value"])
    assert cell["reason"].startswith("more than half of the images are not fooled at any")
    assert cell["text"] == "> half not fooled"


def test_alignment_ranks_pairs_by_what_they_transfer():
    transfer, clean, _ = frames(seeds=(0, 1))
    pairs = [(s, v, seed) for s in "AB" for v in "AB" for seed in (0, 1)]
    gradients = pd.DataFrame(pairs, columns=["source", "victim", "seed"])
    gradients = gradients.assign(cosine=np.linspace(0, 1, 8), compared=N, victim_gradient=2.0, n=N)
    found = fits(judging(alignment.alignment)(gradients, transfer, clean, labels=LABELS))
    excesses = {
        (s, v, seed): wrong(transfer, source=s, victim=v, seed=seed).mean()
        - wrong(clean, net=v, seed=seed).mean()
        for s, v, seed in pairs if s != v
    }  # fmt: skip
    others = gradients[gradients["source"] != gradients["victim"]]
    expected = stats.spearmanr(others["cosine"], list(excesses.values())).statistic
    assert found.loc[("correlation", "cosine"), "value"] == pytest.approx(expected)
    assert found.loc[("A → B", "excess"), "value"] == pytest.approx(
        100 * np.mean([excesses["A", "B", 0], excesses["A", "B", 1]])
    )


def test_a_difference_that_every_image_shares_has_an_interval_of_some_width():
    transfer, clean, radii = frames()
    transfer.loc[transfer["source"] == "A", "prediction"] = 2
    found = fits(judging(excess.excess)(transfer, clean, radii.assign(noise_fooled=0), labels={}))
    cell = found.loc[("A → B", "noise")]
    others = statistics.clopper_pearson(0, N)[1]
    assert cell[["value", "low", "high"]].tolist() == pytest.approx([100, 100 - 200 * others, 100])
    assert cell["interval"] == "exact"


def matrices(nets, seeds, rng, victim_alone=False):
    """A row per source, other victim and seed, with two columns that have nothing in common.

    With `victim_alone`, both are of the victim alone: each victim's own numbers, and noise.
    """
    rows = [
        {"source": s, "victim": v, "seed": seed} for seed in range(seeds)
        for s in nets for v in nets if s != v
    ]  # fmt: skip
    found = pd.DataFrame(rows)
    for column in ("first", "second"):
        own = dict(zip(nets, rng.normal(size=len(nets)), strict=True))
        noise = rng.normal(0, 0.05 if victim_alone else 1, len(found))
        found[column] = noise + (found["victim"].map(own) if victim_alone else 0)
    return found


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_p_of_a_correlation_over_pairs_is_that_of_all_permutations_of_the_nets(seeds):
    nets, rng = list("ABCD"), np.random.default_rng(seeds)
    for _ in range(5):
        pairs = matrices(nets, seeds, rng).round(1)  # with ties
        rho = []
        for moved in itertools.permutations(nets):
            other = dict(zip(nets, moved, strict=True))
            named = pairs.assign(
                source=pairs["source"].map(other), victim=pairs["victim"].map(other)
            )
            both = pairs.merge(named, on=["source", "victim", "seed"], suffixes=("", "_moved"))
            rho.append(abs(stats.spearmanr(both["first"], both["second_moved"]).statistic))
        expected = np.mean([each >= rho[0] - 1e-9 for each in rho])
        assert mantel_p(pairs, "first", "second") == pytest.approx(expected)


def test_victims_that_differ_are_no_correlation_although_permuted_pairs_say_so():
    """Numbers of the victim alone, drawn apart: the pairs of one victim are alike in both."""
    nets, rng = list("ABCDEF"), np.random.default_rng(0)
    by_pairs, by_nets = [], []
    for _ in range(40):
        pairs = matrices(nets, 1, rng, victim_alone=True)
        by_pairs.append(stats.spearmanr(pairs["first"], pairs["second"]).pvalue)
        by_nets.append(mantel_p(pairs, "first", "second"))
    by_pairs, by_nets = np.array(by_pairs), np.array(by_nets)
    assert (by_nets[by_pairs < 0.01] > 0.05).any()  # the same matrix, two answers
    assert np.mean(by_pairs < 0.01) > 0.3 and np.mean(by_nets < 0.01) < 0.1


def test_more_nets_than_eight_are_permuted_by_seeded_draws():
    nets = list("ABCDEFGHI")
    pairs = matrices(nets, 1, np.random.default_rng(0))
    alike = pairs.assign(second=pairs["first"])
    assert mantel_p(alike, "first", "second") == 1 / 10_000
    assert mantel_p(pairs, "first", "second") == mantel_p(pairs, "first", "second") > 0.001


def test_nets_that_are_only_victims_change_places_among_themselves():
    pairs = matrices(list("ABCD"), 2, np.random.default_rng(3))
    of_two = pairs[pairs["source"].isin(["A", "B"])]
    alike = of_two.assign(second=of_two["first"])
    assert mantel_p(alike, "first", "second") == 1 / 4  # of A and B, times of C and D
    assert np.isnan(mantel_p(pairs.iloc[1:], "first", "second"))


def test_alignment_gives_the_p_that_permutes_nets_beside_its_correlation():
    transfer, clean, _ = frames(seeds=(0, 1))
    pairs = [(s, v, seed) for s in "AB" for v in "AB" for seed in (0, 1)]
    gradients = pd.DataFrame(pairs, columns=["source", "victim", "seed"])
    gradients = gradients.assign(cosine=np.linspace(0, 1, 8), compared=N, victim_gradient=2.0, n=N)
    found = fits(judging(alignment.alignment)(gradients, transfer, clean, labels=LABELS))
    p = found.loc[("correlation p", "cosine")]
    assert p["value"] in (0.5, 1.0) and p["unit"] == "p"  # of two permutations
    assert found.loc[("correlation p", "victim_gradient"), "reason"] == alignment.FEW
    lacking = gradients.assign(cosine=gradients["cosine"].where(gradients["source"] == "A"))
    found = fits(judging(alignment.alignment)(lacking, transfer, clean, labels=LABELS))
    assert found.loc[("correlation p", "cosine"), "reason"] in (alignment.FEW, alignment.MISSING)


def test_one_network_before_itself_alone_has_no_pair():
    transfer, clean, radii = frames()
    itself = transfer[(transfer["source"] == "A") & (transfer["victim"] == "A")]
    assert judging(excess.excess)(itself, clean, radii, labels=LABELS).empty


def test_a_seed_without_a_median_does_not_lend_its_reason_to_another():
    _, clean, radii = frames(seeds=(0, 1))
    at = (radii["source"] == "A") & (radii["victim"] == "B") & (radii["seed"] == 1)
    radii.loc[at & (radii["index"] > 10), "radius"] = np.nan
    cell = fits(judging(radius.radius)(radii, clean, labels=LABELS)).loc[("A", "B")]
    assert cell["reason"].startswith("more than half of the images are not fooled")


def test_images_that_two_experiments_show_are_made_once():
    transfer, _, _ = frames()
    transfer.loc[transfer["index"] < 9, "prediction"] = 1  # its own attack did not fool A there
    both = pd.concat([transfer, transfer.assign(experiment="f")], ignore_index=True)
    one, two = (fits(judging(shown_to)(rows, labels=LABELS)) for rows in (transfer, both))
    assert one.loc[("A", "success"), "value"] == pytest.approx(100 * (N - 9) / N)
    assert two["value"].to_dict() == pytest.approx(one["value"].to_dict())
    assert two.loc[("A", "success"), "n"] == N


def with_more(transfer):
    """Return the transfer table with A's images amplified to 0.3, and those of a control."""
    of_a = transfer[transfer["source"] == "A"]
    amplified = of_a.assign(amplified_to=0.3, prediction=2)
    of_noise = of_a.assign(source=None, attack="noise", prediction=1)
    of_noise.loc[of_noise["index"] % 3 == 0, "prediction"] = 2
    return pd.concat([transfer, amplified, of_noise], ignore_index=True)


def test_amplified_images_and_controls_have_rows_of_their_own_against_the_clean_error():
    transfer, clean, radii = frames()
    more = with_more(transfer)
    found = fits(judging(excess.excess)(more, clean, radii, labels=LABELS))
    plain = fits(judging(excess.excess)(transfer, clean, radii, labels=LABELS))
    pd.testing.assert_frame_equal(found[: len(plain)], plain)
    rows = list(dict.fromkeys(found.index.get_level_values("row")))
    assert rows[2:] == ["A amplified to 0.3 → B", "noise → A", "noise → B"]
    labels = found.loc[rows[2:], "row_label"]
    assert [*dict.fromkeys(labels)] == ["net A amplified to 0.3 → net B", "noise → net A",
                                        "noise → net B"]  # fmt: skip
    columns = {*found.loc[rows[2:]].index.get_level_values("column")}
    assert columns == {"clean", "raw", "p"}
    for row, attacked, net in (
        ("A amplified to 0.3 → B", np.ones(N, bool), "B"),
        ("noise → B", np.arange(N) % 3 == 0, "B"), ("noise → A", np.arange(N) % 3 == 0, "A"),
    ):  # fmt: skip
        before = wrong(clean, net=net)
        assert found.loc[(row, "clean"), "value"] == pytest.approx(
            100 * (attacked.mean() - before.mean())
        )
        ends = 100 * np.array(statistics.paired(attacked, before))
        assert found.loc[(row, "clean"), ["low", "high"]].tolist() == pytest.approx(list(ends))
        assert found.loc[(row, "raw"), "value"] == pytest.approx(100 * attacked.mean())


def test_rows_of_controls_are_over_networks_with_several_seeds():
    transfer, clean, radii = frames(seeds=(0, 1, 2))
    found = fits(judging(excess.excess)(with_more(transfer), clean, radii, labels=LABELS))
    shares = [100 * (1 / 3 - wrong(clean, net="B", seed=s).mean()) for s in range(3)]
    expected = stats.t(2, np.mean(shares), stats.sem(shares)).interval(0.95)
    cell = found.loc[("noise → B", "clean")]
    assert cell[["low", "high"]].tolist() == pytest.approx(list(expected))
    assert (cell["networks"], cell["interval"]) == (3, "student")
