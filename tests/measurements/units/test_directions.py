import numpy as np
import pytest
from scipy import stats
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from blindspots.measurements.units import directions
from blindspots.measurements.units.covariance import identity, shrunk, standard
from blindspots.measurements.units.directions import Frame, haar, principal, probe

RNG = np.random.default_rng(0)
MIXED = RNG.standard_normal((20_000, 6)) @ (np.eye(6) + 0.4 * RNG.standard_normal((6, 6))) + 3


@pytest.mark.parametrize("shape", [(400, 6), (12, 30), (30, 30)])
def test_the_covariance_is_that_of_ledoit_and_wolf(shape):
    x = np.random.default_rng(1).standard_normal(shape) * np.linspace(0.2, 3, shape[1])
    expected, _ = ledoit_wolf(x)
    found = shrunk(x)
    assert np.allclose(found.power(1.0, np.eye(shape[1])), expected, rtol=1e-6, atol=1e-9)


def test_powers_of_the_covariance_multiply():
    found, eye = shrunk(MIXED), np.eye(6)
    assert np.allclose(found.power(-0.5, found.power(0.5, eye)), eye)
    assert np.allclose(found.power(0.5, found.power(0.5, eye)), found.power(1.0, eye))
    assert np.array_equal(identity(MIXED).power(-0.5, eye), eye)
    assert np.allclose(standard(MIXED).power(1.0, eye), np.diag(MIXED.var(axis=0)))


def test_a_layer_that_never_varies_has_a_covariance_too():
    constant = np.ones((20, 4))
    assert np.array_equal(shrunk(constant).power(-0.5, np.eye(4)), np.eye(4))


def test_a_dead_unit_has_no_part_in_any_direction():
    x = MIXED.copy()
    x[:, 2] = 0
    rng = np.random.default_rng(0)
    for scaling in directions.SCALINGS:
        frame = Frame(x, np.arange(6), scaling)
        assert frame.units.tolist() == [0, 1, 3, 4, 5]
        for found in (frame.random(rng, 5), frame.rotated(rng), frame.functionals()):
            assert found.shape == (6, 5)
            assert (found[2] == 0).all()
            assert np.linalg.matrix_rank(found) == 5
            assert np.isfinite(frame.removal(found)).all()


@pytest.mark.parametrize("count", [1, 3, 5])
def test_haar_columns_are_orthonormal(count):
    q = haar(np.random.default_rng(0), 5, count)
    assert np.allclose(q.T @ q, np.eye(count))


def test_the_first_entry_of_a_haar_rotation_is_distributed_as_a_point_of_the_sphere():
    rng, d = np.random.default_rng(0), 6
    entries = np.array([haar(rng, d, d)[[0, 2], [0, 3]] for _ in range(2000)])
    for place in (0, 1):  # (1 + q) / 2 is Beta((d − 1)/2, (d − 1)/2) for every entry q
        law = stats.beta((d - 1) / 2, (d - 1) / 2)
        assert stats.kstest((1 + entries[:, place]) / 2, law.cdf).pvalue > 0.01


@pytest.mark.parametrize("scaling", directions.SCALINGS)
def test_units_are_themselves_under_every_scaling(scaling):
    frame = Frame(MIXED, np.array([1, 4]), scaling)
    assert np.array_equal(MIXED @ frame.functionals(), MIXED[:, [1, 4]])


def variances(functionals):
    return (MIXED @ functionals).var(axis=0)


def test_matched_no_unit_weighs_more_than_another():
    frame = Frame(MIXED, np.arange(6), directions.MATCHED)
    rng = np.random.default_rng(0)
    shares = np.square(frame.random(rng, 20_000)).mean(axis=1) * MIXED.var(axis=0)
    assert np.allclose(shares, 1 / 6, rtol=0.03)
    assert variances(frame.rotated(rng)).mean() == pytest.approx(1)


def test_whitened_no_variance_and_no_correlation_tells_units_from_their_rotation():
    frame = Frame(MIXED, np.arange(6), directions.WHITENED)
    rng = np.random.default_rng(0)
    assert np.allclose(variances(frame.random(rng, 50)), 1, rtol=0.01)
    turned = frame.rotated(rng)
    assert np.allclose(variances(turned), 1, rtol=0.01)
    units, rotated = (np.corrcoef((MIXED @ f).T) for f in (frame.functionals(), turned))
    assert np.abs(units[np.triu_indices(6, 1)]).max() > 0.3
    assert np.allclose(units, rotated, atol=0.01)


def test_raw_a_rotation_is_orthonormal_and_its_variances_are_others():
    frame = Frame(MIXED, np.arange(6), directions.RAW)
    turned = frame.rotated(np.random.default_rng(0))
    assert np.allclose(turned.T @ turned, np.eye(6))
    assert np.allclose(np.linalg.norm(frame.random(np.random.default_rng(0), 9), axis=0), 1)
    assert variances(turned).max() > 2 * variances(turned).min()


@pytest.mark.parametrize("scaling", directions.SCALINGS)
def test_what_is_left_without_a_direction_has_no_component_along_it(scaling):
    frame = Frame(MIXED, np.arange(6), scaling)
    f = frame.random(np.random.default_rng(0), 3)
    w = frame.removal(f)
    centred = MIXED - MIXED.mean(axis=0)
    for i in range(3):
        left = centred - np.outer(centred @ f[:, i], w[:, i])
        assert np.allclose(left @ f[:, i], 0)
        if scaling == directions.WHITENED:  # nor is it correlated with any that is left
            assert np.abs(left.T @ (centred @ f[:, i])).max() / len(MIXED) < 0.01


def test_principal_components_are_those_of_the_singular_value_decomposition():
    _, _, v = np.linalg.svd(MIXED - MIXED.mean(axis=0), full_matrices=False)
    found = principal(MIXED, 4)
    assert np.allclose(np.abs(found.T @ v[:4].T), np.eye(4), atol=1e-6)
    assert (found[np.abs(found).argmax(axis=0), np.arange(4)] > 0).all()


def test_class_probes_are_fishers_discriminants():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 3000)
    x = rng.standard_normal((3000, 5)) @ rng.standard_normal((5, 5))
    x[labels == 1] += 0.5
    expected = LinearDiscriminantAnalysis(solver="lsqr").fit(x, labels).coef_[0]
    found = probe(x, labels, np.array([0, 1]))
    assert found[:, 1] @ expected / np.linalg.norm(expected) == pytest.approx(1, abs=1e-3)
    assert np.allclose(found[:, 0] @ found[:, 1], -1)


def test_the_units_chosen_are_all_or_as_many_as_the_limit():
    rng = np.random.default_rng(0)
    assert directions.chosen(5, 128, rng).tolist() == [0, 1, 2, 3, 4]
    some = directions.chosen(500, 128, rng)
    assert len(set(some)) == 128 and (np.diff(some) > 0).all() and some.max() > 200
