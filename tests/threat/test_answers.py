import numpy as np
import pytest
import torch

from blindspots.interface import InputError
from blindspots.threat.answers import answers
from blindspots.threat.outcomes import REJECTED


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


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: x.flatten(1)[:, :4], "expected a logit for each class, found 4 and 10 classes"),
        (lambda x: x.flatten(1) / 0, "expected finite logits"),
    ],
)
def test_logits_that_are_no_answers_are_refused(model, message, digits):
    with pytest.raises(InputError, match=message):
        answers(model, *digits, classes=10, chunk=500)


def test_an_answer_beyond_the_classes_is_a_rejection_and_has_no_part_in_the_margin():
    logits = torch.tensor([[2.0, 1.0, 9.0, 0.0], [0.0, 3.0, 1.0, 2.0], [1.0, 0.0, 0.5, 4.0]])
    seen = answers(lambda x: logits, torch.zeros(3, 1), torch.tensor([0, 0, 0]), 2, 10)
    assert seen.predictions.tolist() == [REJECTED, 1, REJECTED]
    assert seen.margins.tolist() == [1.0, -3.0, 1.0]
