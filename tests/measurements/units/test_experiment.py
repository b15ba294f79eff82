from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from blindspots.analyses import arms, units
from blindspots.analyses.arms import MARGINS, differences
from blindspots.files import weights
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, InputError
from blindspots.measurements.units import directions, experiment, measures
from blindspots.measurements.units.directions import haar
from blindspots.measurements.units.experiment import measure
from blindspots.measurements.units.settings import Network, Settings
from blindspots.measurements.units.units import units as measured
from blindspots.statistics import randomisation_p

CLASSES = 8
SETTINGS = Settings(
    layers="all", arms=("random", "rotation", "pca", "probe"),
    scalings=("matched", "raw", "whitened"),
    pool="mean", k=9, directions=128, rotations=39, projected_n=200,
)  # fmt: skip


def planted(seed, n=400):
    """Images with a pixel per class, noisy."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(n) % CLASSES
    images = 0.5 * rng.standard_normal((n, CLASSES))
    images[np.arange(n), labels] += 2
    return Images(
        torch.from_numpy(images.astype(np.float32)).view(n, 1, 1, CLASSES),
        torch.from_numpy(labels), np.arange(n), "test", CLASSES, UNIT_BOX,
    )  # fmt: skip


def one_unit_per_class(turned_by=None):
    """A layer whose unit c fires for class c, or a rotation of it, and a layer that reads it."""
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(CLASSES, CLASSES, bias=False), nn.Linear(CLASSES, CLASSES)
    )
    turn = torch.eye(CLASSES) if turned_by is None else torch.from_numpy(turned_by).float()
    model[1].weight.data = turn
    model[2].weight.data, model[2].bias.data = turn.T.clone(), torch.zeros(CLASSES)
    return model.eval()


def run(model_of, seeds, settings):
    found = [
        measure(
            Network("net", seed, True, model_of(seed)), planted(seed), planted(seed + 1000), None,
            settings, chunk=128,
        )
        for seed in seeds
    ]  # fmt: skip
    return (
        pd.concat([of.units.to_pandas() for of in found]),
        pd.concat([of.rotations.to_pandas() for of in found]),
    )


def verdicts(tables, scaling, show="verdict"):
    rows, rotations = tables
    found = units.units(
        rows, rotations, show=show, scaling=scaling, margins=MARGINS, labels={}, correct=False
    )
    found["text"] = found["text"].str.removesuffix(units.UNCORRECTED)
    return found[found["row"].str.startswith("net/1/")].set_index("column")


@pytest.fixture(scope="module")
def interpretable():
    return run(lambda seed: one_unit_per_class(), range(5), SETTINGS._replace(layers=["1"]))


@pytest.mark.parametrize("scaling", ["matched", "raw", "whitened"])
def test_one_unit_per_class_is_found_more_interpretable_than_its_rotations(interpretable, scaling):
    found = verdicts(interpretable, scaling)["text"]
    for name in ("purity", "entropy", "auc", "pixels", "kurtosis", "accuracy"):
        assert found[name] == "units more", name
    assert found["information"] == "units less"  # of one class alone, a mixture tells of several
    p = verdicts(interpretable, scaling, "rotation p")["value"]
    assert p["purity"] == p["auc"] == 1 / 40


@pytest.fixture(scope="module")
def turned():
    return run(
        lambda seed: one_unit_per_class(haar(np.random.default_rng(seed + 50), CLASSES, CLASSES)),
        range(24),
        SETTINGS._replace(layers=["1"], arms=("rotation",)),
    )


def test_a_rotation_of_it_is_found_equal_to_another_rotation(turned):
    found, p = verdicts(turned, "raw")["text"], verdicts(turned, "raw", "rotation p")["value"]
    for name in ("purity", "auc", "information", "entropy"):
        assert found[name] == "equal", name
        assert p[name] >= 0.05
    lost = differences(*turned)
    assert (lost["value"].notna() | (lost["measure"] == "features")).all()


def test_units_that_are_one_per_class_are_not_equal_to_their_rotations(interpretable):
    p = verdicts(interpretable, "matched", "equivalence p")["value"]
    assert (p[["purity", "auc", "information"]] > 0.99).all()


def mlp(seed):
    return weights.create("mlp", {"hidden": [12], "activation": "relu"}, (1, 1, CLASSES),
                              CLASSES, seed=seed)[0]  # fmt: skip


def test_every_layer_arm_scaling_and_measure_has_a_row_per_direction():
    rows, rotations = run(mlp, [3], SETTINGS._replace(rotations=2))
    counts = rows.groupby(["layer", "arm", "scaling", "measure"]).size().unstack("arm")
    names = {*measures.OF_TOP, *measures.OF_SCORES, measures.ACCURACY}
    assert len(counts) == 3 * 3 * len(names)
    assert set(rows["measure"]) == names == set(arms.MEASURES) == set(MARGINS)
    of_hidden = counts.loc["2"]
    assert (of_hidden[["units", "random", "rotation"]] == 12).all(axis=None)
    assert (of_hidden["probe"] == CLASSES).all()
    assert rows["value"].isna().equals(rows["reason"].notna())
    drawn = rotations.groupby(["layer", "scaling", "measure"]).size()
    assert (drawn == 2).all() and len(drawn) == 3 * 3 * 7


def test_units_and_principal_components_do_not_depend_on_the_scaling():
    rows, _ = run(mlp, [3], SETTINGS._replace(rotations=0))
    rows = rows[rows["measure"] != "accuracy"].set_index(["layer", "arm", "direction", "measure"])
    raw, matched = (rows[rows["scaling"] == name]["value"] for name in ("raw", "matched"))
    for arm, same in (("units", True), ("pca", True), ("random", False)):
        pairs = [of.xs(arm, level="arm").sort_index() for of in (raw, matched)]
        assert pairs[0].equals(pairs[1]) == same


def test_a_network_that_knows_nothing_has_no_accuracy_to_lose_and_says_so():
    rows, _ = run(mlp, [3], SETTINGS._replace(rotations=0))
    lost = rows[rows["measure"] == "accuracy"]
    assert lost["value"].isna().all()
    assert experiment.BY_CHANCE in set(lost["reason"])


def test_a_dead_unit_is_named_and_the_others_are_measured():
    def with_a_dead_unit(seed):
        model = one_unit_per_class()
        model[1].weight.data[2] = 0
        return model

    rows, rotations = run(with_a_dead_unit, [0], SETTINGS._replace(layers=["1"], rotations=2))
    natural = rows[(rows["arm"] == "units")]
    dead = natural[natural["direction"] == 2]
    assert set(dead["reason"]) == {measures.DEAD} and dead["value"].isna().all()
    others = natural[(natural["direction"] != 2) & (natural["measure"] != "features")]
    assert others["value"].notna().all()
    assert rotations[rotations["measure"] != "features"]["value"].notna().all()


def test_a_layer_that_never_varies_is_null_everywhere():
    def constant(seed):
        model = one_unit_per_class()
        model[1].weight.data[:] = 0
        return model

    rows, rotations = run(constant, [0], SETTINGS._replace(layers=["1"], rotations=2))
    assert rows["value"].isna().all() and rows["reason"].notna().all()
    assert rotations["value"].isna().all()


def test_more_top_images_than_there_are_and_unknown_layers_are_named():
    for change, message in (
        ({"k": 400}, "k: expected at least 2 and less than the 400 images, found 400"),
        ({"layers": ["fc7"]}, r"layers: expected layers of this network \(0, 1, 2\), found 'fc7'"),
    ):
        with pytest.raises(InputError, match=message):
            run(lambda seed: one_unit_per_class(), [0], SETTINGS._replace(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"k": 400},
            "k: expected at least 2 and less than the 400 images, found 400; change k, or take "
            "more images",
        ),
        ({"projected_n": 401}, "projected_n: expected at most n (400 images), found 401; lower it"),
        (
            {"reference_layer": "1"},
            "reference_layer: expected parents.reference as well, found none; add it",
        ),
        (
            {"parents": {"reference": one_unit_per_class()}},
            "reference_layer: expected a layer of parents.reference, found none; add it",
        ),
    ],
)
def test_settings_that_do_not_fit_the_images_or_each_other_are_named(change, message):
    net = one_unit_per_class()
    asked = {"parents": {}} | change
    with pytest.raises(InputError) as error:
        measured(
            "net", 0, net, lambda: net, planted(0), lambda n: planted(1, n), chunk=128, **asked
        )
    assert str(error.value) == message


def test_equal_seeds_give_equal_tables_and_another_draws_other_directions():
    settings = SETTINGS._replace(rotations=1, layers=["2"])
    first, second = (run(lambda _: mlp(3), [3], settings)[0] for _ in range(2))
    assert first.equals(second)
    other = run(lambda _: mlp(3), [4], settings)[0]
    assert not first[first["arm"] == "random"]["value"].equals(
        other[other["arm"] == "random"]["value"]
    )


def test_pictures_are_the_top_images_of_the_first_directions_that_have_one():
    data = planted(0)
    network = Network("net", 0, True, one_unit_per_class())
    settings = SETTINGS._replace(layers=["1"], rotations=0)
    pictures = measure(network, data, planted(9), None, settings, chunk=128).pictures
    rows = pictures.drop_columns(["image"]).to_pandas()
    assert set(rows["arm"]) == {"units", "random"}
    best = rows[(rows["arm"] == "units") & (rows["rank"] == 0)]
    expected = data.images.flatten(1).argmax(dim=0)[best["direction"].tolist()]
    assert best["index"].tolist() == expected.tolist()
    assert (best["label"] == best["direction"]).all()
    falling = rows.groupby(["arm", "direction"])["score"].diff().dropna()
    assert (falling <= 0).all()


def test_probes_are_fitted_to_the_other_images_and_their_labels():
    other = planted(1000)
    order = torch.randperm(len(other.labels), generator=torch.Generator().manual_seed(0))
    shuffled = replace(other, labels=other.labels[order])
    reached = []
    for probe in (other, shuffled):
        network = Network("net", 0, True, one_unit_per_class())
        settings = SETTINGS._replace(layers=["1"], rotations=0)
        rows = measure(network, planted(0), probe, None, settings, chunk=128).units.to_pandas()
        rows = rows[(rows["arm"] == "probe") & (rows["measure"] == "auc")]
        reached.append(rows["value"].mean())
    assert reached[0] > 0.99
    assert reached[1] < 0.97  # directions at random


def test_accuracy_is_lost_on_as_many_images_as_asked_for_and_they_are_counted():
    rows, _ = run(
        lambda seed: one_unit_per_class(), [0],
        SETTINGS._replace(layers=["1"], rotations=0, projected_n=50),
    )  # fmt: skip
    lost = rows["measure"] == "accuracy"
    assert (rows[lost]["n"] == 50).all() and (rows[~lost]["n"] == 400).all()
    values = rows[lost]["value"]
    assert values.max() > 5
    assert np.allclose(values / 2, (values / 2).round())  # of 50 images each is two points


def test_pictures_of_random_directions_are_those_of_the_first_scaling():
    tops = []
    for scalings in (("raw", "matched"), ("raw",), ("matched",)):
        network = Network("net", 0, True, mlp(3))
        settings = SETTINGS._replace(layers=["2"], rotations=0, scalings=scalings)
        found = measure(network, planted(0), planted(9), None, settings, chunk=128).pictures
        rows = found.drop_columns(["image"]).to_pandas()
        tops.append(rows[rows["arm"] == "random"]["index"].tolist())
    assert tops[0] == tops[1] != tops[2]


def test_units_of_a_rotation_are_seldom_told_from_others_even_where_most_are_dead():
    rng, live, dead, small = np.random.default_rng(0), 5, 20, []
    labels = np.arange(200) % 4
    shown = measures.images(labels, 4, np.zeros((200, 1, 1, 1), np.float32), None, 5)
    for _ in range(120):
        a = np.zeros((200, live + dead))
        a[:, :live] = rng.standard_normal((200, live)) @ haar(rng, live, live)
        frame = directions.Frame(a, np.arange(live + dead), directions.RAW)
        value, *draws = (
            measures.averages(measures.measured((a @ f).astype(np.float32), shown))["kurtosis"]
            for f in [frame.functionals()] + [frame.rotated(rng) for _ in range(19)]
        )
        small.append(randomisation_p(value, np.array(draws)) <= 0.05)
    assert np.mean(small) < 0.12  # 0.34 where rotations have as many directions as there are units
