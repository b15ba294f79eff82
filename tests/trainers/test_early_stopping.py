"""Validation decides when a training ends, and which weights it keeps."""

import pytest
import torch
from torch import nn

from blindspots.interface import InputError, Status
from blindspots.trainers.loop import train
from blindspots.trainers.recipe import Recipe
from blindspots.trainers.sgd import sgd
from tests.trainings import SCORES, Falling, falling, net


def judged(patience, epochs):
    """Train with given validation scores; the weight falls by 0.5 x 5 an epoch."""
    model, scores = Falling(), iter(SCORES)
    recipe = Recipe(
        lambda x, y, step: model(x).mean(),
        validate=lambda x, y: torch.full((len(x),), next(scores)),
    )
    images, labels = torch.zeros(10, 1, 1, 1), torch.arange(10)
    settings = {"momentum": 0.0, "decay": 0.0, "learning_rate": 0.5, "schedule": "constant"}
    rows, status = train(
        model, images, labels, recipe, batch=2, patience=patience, epochs=epochs,
        validation=(images[:2], labels[:2]), **settings,
    )  # fmt: skip
    return model.weight.item(), rows, status


@pytest.mark.parametrize(
    ("patience", "epochs", "best", "seen", "status"),
    [
        (1, 9, 1, 3, Status.CONVERGED),
        (2, 9, 1, 4, Status.CONVERGED),
        (3, 9, 4, 8, Status.CONVERGED),
        (4, 9, 8, 9, Status.ITERATION_LIMIT),
        (3, 2, 1, 2, Status.ITERATION_LIMIT),
    ],
)
def test_the_weights_of_the_best_epoch_are_kept_and_the_history_says_which(
    patience, epochs, best, seen, status
):
    weight, rows, ended = judged(patience, epochs)
    assert weight == -0.5 * 5 * (best + 1)
    assert len(rows) == seen and ended == status
    found = [row["validation_loss"] for row in rows]
    assert found == pytest.approx(SCORES[:seen])
    assert [row.get("kept") for row in rows] == [1.0 if i == best else None for i in range(seen)]


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_training_whose_validation_is_no_number_does_not_converge(score):
    model = Falling()
    images, labels = torch.zeros(10, 1, 1, 1), torch.arange(10)
    recipe = Recipe(
        lambda x, y, step: model(x).mean(), validate=lambda x, y: torch.full((len(x),), score)
    )
    rows, status = train(
        model, images, labels, [recipe, recipe], batch=2, patience=3, epochs=6,
        validation=(images[:2], labels[:2]), momentum=0.0,
    )  # fmt: skip
    assert status == Status.NON_FINITE
    assert len(rows) == 6 + 1 and not any("kept" in row for row in rows)


def test_errors_are_what_is_validated_and_the_model_is_at_rest_for_it(digits):
    images, labels = digits
    model = nn.Sequential(*net()[:2], nn.Dropout(0.5), *net()[2:])
    kept = images[:100], labels[:100]
    rows, _ = sgd(model, images, labels, epochs=2, patience=5, validation=kept)
    best = min(rows, key=lambda row: row["validation_error"])
    assert best["kept"] == 1 and model.training
    wrong = (model.eval()(kept[0]).argmax(dim=1) != kept[1]).sum().item()
    assert best["validation_error"] == wrong


@pytest.mark.parametrize("validation", [None, (torch.zeros(0, 1, 1, 1), torch.zeros(0))])
def test_patience_without_images_to_validate_by_is_one_line(validation):
    with pytest.raises(InputError, match="patience: expected images to validate by, found none"):
        falling(Falling(), patience=3, validation=validation)
