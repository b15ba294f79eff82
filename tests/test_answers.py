import numpy as np
import pytest
import torch

from blindspots.answers import answers
from blindspots.interface import InputError


def test_answers_are_the_models_in_any_chunk(sigmoid_net, digits):
    images, labels = digits[0][:50], digits[1][:50]
    logits = sigmoid_net(images).detach()
    for chunk in (7, 50, 1000):
        seen = answers(sigmoid_net, images, labels, chunk)
        assert np.array_equal(seen.predictions, logits.argmax(dim=1).numpy())
        wrong = seen.predictions != labels.numpy()
        assert np.array_equal(seen.margins < 0, wrong)


def test_a_model_that_gives_images_does_not_answer(digits):
    assert answers(torch.nn.Identity(), *digits, chunk=500) is None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: x.flatten(1)[:, :4], "expected a logit for each class, found 4 and label 9"),
        (lambda x: x.flatten(1) / 0, "expected finite logits"),
    ],
)
def test_logits_that_are_no_answers_are_refused(model, message, digits):
    with pytest.raises(InputError, match=message):
        answers(model, *digits, chunk=500)
