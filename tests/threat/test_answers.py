import numpy as np
import pytest
import torch

from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.threat.answers import CLEAN, answers
from blindspots.threat.outcomes import NO_CLASS, REJECTED, RIGHT, WRONG


def test_answers_are_the_models_in_any_chunk(sigmoid_net, digits):
    images, labels = digits[0][:50], digits[1][:50]
    logits = sigmoid_net(images).detach()
    for chunk in (7, 50, 1000):
        seen = answers(sigmoid_net, images, labels, 10, chunk)
        assert np.array_equal(seen.predictions, logits.argmax(dim=1).numpy())
        wrong = seen.predictions != labels.numpy()
        assert np.array_equal(seen.margins < 0, wrong)


def test_a_model_that_gives_images_does_not_answer(digits):
    assert answers(torch.nn.Identity(), *digits, classes=10, chunk=500) is None


def test_fewer_logits_than_classes_are_refused(digits):
    with pytest.raises(InputError, match="a logit for each class, found 4 and 10 classes"):
        answers(lambda x: x.flatten(1)[:, :4], *digits, classes=10, chunk=500)


def test_an_answer_that_is_not_finite_has_a_status_and_no_outcome():
    logits = torch.tensor([[2.0, 1.0, 0.0], [torch.nan, 0.0, 0.0], [0.0, torch.inf, 0.0]])
    seen = answers(lambda x: logits, torch.zeros(3, 1), torch.tensor([0, 0, 0]), 2, 10)
    assert seen.outcomes.tolist() == [RIGHT, None, None]
    assert seen.statuses.tolist() == ["ANSWERED", "NON_FINITE", "NON_FINITE"]
    for column in (seen.predictions, seen.margins, seen.confidences):
        assert np.ma.getmaskarray(column).tolist() == [False, True, True]
    assert not seen.mistaken.any()
    columns = {
        "net": "A",
        "seed": 0,
        "dataset": "toy",
        "file": "test",
        "index": np.arange(3),
        "label": 0,
    }
    table = tables.build(columns | seen.columns | {"probabilities": seen.probabilities}, CLEAN)
    assert table["outcome"].to_pylist() == [RIGHT, None, None]
    assert table["confidence"][0].as_py() == pytest.approx(np.exp(2) / (np.exp([2, 1, 0]).sum()))


def test_a_single_logit_answers_by_zero_and_itself():
    z = torch.tensor([[1.5], [-0.5]])
    seen = answers(lambda x: z, torch.zeros(2, 1), torch.tensor([0, 0]), 2, 10)
    assert seen.outcomes.tolist() == [WRONG, RIGHT]
    assert seen.margins.tolist() == [-1.5, 0.5]
    assert seen.confidences[1] == pytest.approx(1 / (1 + np.exp(-0.5)))


def test_probabilities_are_told_from_logits():
    logits = torch.tensor([[1.5, -0.5], [0.2, 0.8], [3.0, 4.0]])
    for given, expected in ((logits, [False, True, False]), (logits.softmax(1), [True] * 3)):
        seen = answers(lambda x, g=given: g, torch.zeros(3, 1), torch.zeros(3).long(), 2, 10)
        assert seen.probabilities.tolist() == expected


def test_an_answer_beyond_the_classes_is_a_rejection_and_has_no_part_in_the_margin():
    logits = torch.tensor([[2.0, 1.0, 9.0, 0.0], [0.0, 3.0, 1.0, 2.0], [1.0, 0.0, 0.5, 4.0]])
    seen = answers(lambda x: logits, torch.zeros(3, 1), torch.tensor([0, 0, 0]), 2, 10)
    assert seen.predictions.tolist() == [NO_CLASS, 1, NO_CLASS]
    assert seen.outcomes.tolist() == [REJECTED, WRONG, REJECTED]
    assert seen.margins.tolist() == [1.0, -3.0, 1.0]
