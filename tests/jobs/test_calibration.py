"""The fit of trainers' setting finds the value that produced the given errors."""

import pytest

from blindspots.files import weights
from blindspots.interface import InputError, Status
from blindspots.jobs.calibration import Trained, fit
from blindspots.trainers.lbfgs import lbfgs


def linear():
    return weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)[0]


def test_a_known_factor_is_found_again(digits):
    images, labels = digits
    nets = {}
    for decay in (0.03, 0.3):
        settings = {"decay": decay, "tolerance": 1e-5}
        rows, _ = lbfgs(linear(), images, labels, **settings, decay_factor=3)
        nets[str(decay)] = Trained(linear(), lbfgs, settings, rows[-1]["error"])
    tried = []
    scale, errors = fit(
        "decay_factor", nets, images, labels, progress=lambda value, _: tried.append(value)
    )
    assert scale == pytest.approx(3, rel=0.08)  # the search ends within 0.02 decades, 5%
    assert errors == pytest.approx({name: net.error for name, net in nets.items()}, rel=0.05)
    assert scale in tried


def test_the_setting_of_any_trainer_is_fitted(digits):
    def own(model, images, labels, *, push):
        return [{"error": 2 * push}], Status.CONVERGED

    nets = {"a": Trained(linear(), own, {}, 4.0), "b": Trained(linear(), own, {"push": 1}, 16.0)}
    value, errors = fit("push", nets, *digits)
    assert value == pytest.approx(4, rel=0.05)  # the geometric mean of 2 and 8
    assert errors == {"a": 2 * value, "b": 2 * value}


def test_a_trainer_that_tells_no_error_is_refused(digits):
    def own(model, images, labels, *, push):
        return [{"loss": push}], Status.CONVERGED

    with pytest.raises(InputError, match="a: expected a trainer whose history has the training"):
        fit("push", {"a": Trained(linear(), own, {}, 4.0)}, *digits)
