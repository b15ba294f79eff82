"""The fit of decay_scale: it finds the factor that made the errors it is given."""

import pytest

from blindspots.files import weights
from blindspots.jobs.calibration import fit_decay_scale
from blindspots.trainers.lbfgs import lbfgs


def test_a_known_factor_is_found_again(digits):
    images, labels = digits
    targets = {}
    for decay in (0.03, 0.3):
        model, _ = weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)
        rows, _ = lbfgs(model, images, labels, decay=decay, decay_scale=3, tolerance=1e-5)
        targets[decay] = rows[-1]["error"]
    tried = []
    scale, errors = fit_decay_scale(
        images, labels, 10, targets, tolerance=1e-5, progress=lambda s, _: tried.append(s)
    )
    assert scale == pytest.approx(3, rel=0.08)  # the search ends within 0.02 decades, 5%
    assert errors == pytest.approx(targets, rel=0.05)
    assert scale in tried
