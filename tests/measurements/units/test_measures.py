import numpy as np
import pytest
from scipy.stats import kurtosis, rankdata
from sklearn.metrics import roc_auc_score

from blindspots.interface import InputError
from blindspots.measurements.units import measures, ranks
from blindspots.measurements.units.measures import CONSTANT, DEAD, TIED, images, measured

N, CLASSES = 60, 4


def scores(distinct, directions=5, seed=0):
    values = np.random.default_rng(seed).integers(0, distinct, (N, directions))
    return values.astype(np.float32)


LABELS = np.random.default_rng(7).integers(0, CLASSES, N)
PIXELS = np.random.default_rng(8).random((N, 1, 3, 3)).astype(np.float32)


def shown(k=5, features=None):
    return images(LABELS, CLASSES, PIXELS, features, k)


@pytest.mark.parametrize("distinct", [2, 5, 40, 10**6])
def test_ranks_of_equal_scores_are_their_mean(distinct):
    found = ranks.ranked(scores(distinct).T.copy(), LABELS, CLASSES)
    expected = rankdata(scores(distinct).T, axis=1)
    assert np.array_equal(np.take_along_axis(expected, found.order, axis=1), found.ranks)


@pytest.mark.parametrize("distinct", [2, 5, 10**6])
def test_the_best_auc_is_that_of_scikit_learn(distinct):
    s = scores(distinct)
    found = measured(s, shown()).values["auc"]
    for i in range(5):
        each = [roc_auc_score(c == LABELS, s[:, i]) for c in range(CLASSES)]
        assert found[i] == pytest.approx(max(each), abs=1e-12)


@pytest.mark.parametrize("distinct", [3, 10**6])
def test_the_information_is_that_of_a_count_by_hand(distinct):
    s = scores(distinct)
    found = measured(s, shown()).values["information"]
    for i in range(5):
        bins = [int((rank - 0.5) * ranks.BINS / N) for rank in rankdata(s[:, i])]
        total = 0.0
        for b in set(bins):
            for c in range(CLASSES):
                joint = sum(x == b and y == c for x, y in zip(bins, LABELS, strict=True)) / N
                if joint:
                    total += joint * np.log2(joint / (bins.count(b) / N * (c == LABELS).mean()))
        seen = len(set(bins)), len(set(LABELS)), len(set(zip(bins, LABELS, strict=True)))
        total += (seen[0] + seen[1] - seen[2] - 1) / (2 * N * np.log(2))
        assert found[i] == pytest.approx(total, abs=1e-12)


def test_a_score_that_is_the_label_tells_all_of_it():
    labels = np.arange(4000) % CLASSES
    found = ranks.mutual_information(ranks.ranked(labels[None].astype(float), labels, CLASSES))
    assert found[0] == pytest.approx(2, abs=1e-3)


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_noise_tells_nothing_of_the_label_whether_it_is_mostly_zero_or_not(share):
    labels = np.arange(1000) % 10
    rng = np.random.default_rng(0)
    noise = np.maximum(rng.random((200, 1000)) - 1 + share, 0)
    found = ranks.mutual_information(ranks.ranked(noise, labels, 10))
    assert abs(found.mean()) < 0.005  # without the correction 0.02 and 0.10


def test_images_of_one_class_have_no_auc_and_say_why():
    found = measured(scores(10**6), images(np.zeros(N, int), CLASSES, PIXELS, None, 5))
    assert np.isnan(found.values["auc"]).all()
    assert set(found.reasons["auc"]) == {measures.ONE_CLASS}


@pytest.mark.parametrize("wide", [6, 300])
def test_measures_of_the_top_are_those_of_its_images(wide):
    features = np.random.default_rng(9).standard_normal((N, wide))
    s = np.random.default_rng(1).random((N, 3)).astype(np.float32)
    found = measured(s, shown(k=5, features=features))
    for i in range(3):
        top = np.argsort(-s[:, i])[:5]
        assert found.top[i].tolist() == top.tolist()
        assert np.array_equal(found.best[i], s[top, i])
        counts = np.bincount(LABELS[top], minlength=CLASSES) / 5
        assert found.values["purity"][i] == counts.max()
        some = counts[counts > 0]
        assert found.values["entropy"][i] == pytest.approx(-(some * np.log2(some)).sum())
        for name, vectors in (("pixels", PIXELS.reshape(N, -1)), ("features", features)):
            assert found.values[name][i] == pytest.approx(cosines(vectors, top), abs=1e-5)
    assert np.allclose(found.values["kurtosis"], kurtosis(s, axis=0), atol=1e-4)


def cosines(vectors, top):
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    gram = unit[top] @ unit[top].T
    return gram[np.triu_indices(len(top), 1)].mean()


def test_a_constant_direction_is_null_with_its_reason_and_a_dead_unit_is_called_so():
    s = scores(10**6)
    s[:, 1] = 0
    for constant in (CONSTANT, DEAD):
        found = measured(s, shown(), constant)
        for name in ("purity", "entropy", "auc", "information", "kurtosis", "pixels"):
            assert np.isnan(found.values[name]).tolist() == [False, True, False, False, False]
            assert found.reasons[name].tolist() == [None, constant, None, None, None]


def test_a_top_that_ties_at_zero_cut_off_is_null_and_the_rest_is_measured():
    s = np.zeros((N, 2), np.float32)
    s[:3, 0] = [3, 2, 1]  # three images activate it: a top of three, and none of five
    s[:6, 1] = [6, 5, 4, 3, 2, 1]
    found = measured(s, shown(k=5))
    for name in ("purity", "entropy", "pixels"):
        assert found.reasons[name].tolist() == [TIED, None]
        assert np.isnan(found.values[name][0]) and not np.isnan(found.values[name][1])
    for name in ("auc", "information", "kurtosis"):
        assert found.reasons[name].tolist() == [None, None]
    assert measured(s, shown(k=3)).reasons["purity"].tolist() == [None, None]


def test_without_an_independent_network_its_similarity_is_null_with_the_reason():
    found = measured(scores(10**6), shown())
    assert set(found.reasons["features"]) == {measures.NO_REFERENCE}
    assert "features" in measures.averages(found)


@pytest.mark.parametrize("k", [1, N, N + 5])
def test_a_top_larger_than_the_set_is_named(k):
    with pytest.raises(InputError, match=f"k: expected at least 2 and less than the 60.* {k};"):
        shown(k=k)


def test_means_are_of_the_directions_that_are_named():
    found = measured(scores(10**6), shown())
    among = dict.fromkeys(found.values, np.array([True, False, True, False, False]))
    expected = found.values["auc"][[0, 2]].mean()
    assert measures.averages(found, among)["auc"] == pytest.approx(expected)


def test_means_leave_out_what_has_no_value():
    s = scores(10**6)
    s[:, 1] = 0
    found = measured(s, shown())
    assert measures.averages(found)["auc"] == pytest.approx(np.nanmean(found.values["auc"]))
    s[:] = 1
    assert np.isnan(measures.averages(measured(s, shown()))["auc"])
