"""Errors of softmax nets on MNIST under ½ λ Σ w², with which Table 1's are explained.

They are those of the optimum, which SciPy's L-BFGS-B found in float64 (largest slope below 1e-7).
"""

import pyarrow as pa
import pytest
import torch

from blindspots.config import methods
from blindspots.config.check import check
from blindspots.files import splits, weights
from blindspots.randomness import derived_seed
from blindspots.trainers.lbfgs import lbfgs
from tests.configs import SCHEMA, short

CONFIG = check(short("config.yaml"), SCHEMA)
SEED = CONFIG["seeds"][0]
ERRORS = {  # training and test error in percent; printed: 6.7 and 7.4, 10 and 9.4, 21.2 and 20
    "none": {"FC10-1e-4": (6.73, 7.36), "FC10-1e-2": (10.01, 9.44), "FC10-1": (21.29, 19.97)},
    "free": {"FC10-1e-4": (6.58, 7.37), "FC10-1e-2": (9.90, 9.37), "FC10-1": (23.08, 21.64)},
    "decayed": {"FC10-1e-4": (6.58, 7.39), "FC10-1e-2": (9.85, 9.18), "FC10-1": (21.25, 19.96)},
}


@pytest.fixture(scope="module")
def mnist(shared_data):
    """Images and labels as in a run of config.yaml: those of training, and those of the test."""
    dataset = methods.find("datasets", "mnist")(root=str(shared_data))
    listed = (
        pa.table({"label": part.labels, "sha256": splits.fingerprints(part.images)})
        for part in (dataset.train, dataset.test)
    )
    index, _ = splits.split(*listed, **CONFIG["splits"], seed=SEED)
    rows = splits.rows_of(index, "train")["index"].to_numpy()
    assert len(rows) == 60_000
    return [
        [torch.from_numpy(array) for array in part]
        for part in ((array[rows] for array in dataset.train), dataset.test)
    ]


def errors(mnist, net, biases, tolerance):
    """Return the training and the test error of a net after the project's own training."""
    (images, labels), (others, answers) = mnist
    model, _ = weights.create(
        "mlp", {"bias": biases != "none"}, (1, 28, 28), 10, seed=derived_seed(SEED, net)
    )
    rows, _ = lbfgs(
        model, images, labels, decay=CONFIG["nets"][net]["trainer"]["decay"], decay_per="none",
        decay_factor=0.5, decay_biases=biases == "decayed", tolerance=tolerance,
    )  # fmt: skip
    with torch.no_grad():
        wrong = model(others).argmax(dim=1) != answers
    return rows[-1]["error"], 100 * wrong.double().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("net", ERRORS["none"])
def test_without_biases_the_tolerance_of_the_config_gives_the_errors_of_the_optimum(mnist, net):
    tolerance = CONFIG["nets"][net]["trainer"]["tolerance"]
    found = errors(mnist, net, "none", tolerance)
    assert found == pytest.approx(ERRORS["none"][net], abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("net", ERRORS["none"])
@pytest.mark.parametrize("biases", ["free", "decayed"])
def test_with_biases_the_errors_are_those_of_the_optimum(mnist, net, biases):
    found = errors(mnist, net, biases, tolerance=1e-6)
    assert found == pytest.approx(ERRORS[biases][net], abs=0.03)
