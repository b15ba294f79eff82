import numpy as np
import pytest
import torch

from blindspots.threat.outcomes import (
    NO_ANSWER,
    NO_CLASS,
    REJECTED,
    RIGHT,
    WRONG,
    is_rejected,
    is_right,
    is_wrong,
    margins,
    outcomes,
    predictions,
    widened,
)

LOGITS = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [1.0, 2.0, 5.0]])  # two classes


def test_an_answer_beyond_the_classes_is_rejected():
    assert predictions(LOGITS, 2).tolist() == [0, 1, NO_CLASS]
    assert predictions(LOGITS, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_no_answer_and_have_no_outcome(odd):
    logits = LOGITS.clone()
    logits[1, 0] = odd
    given = predictions(logits, 2).numpy()
    assert given.tolist() == [0, NO_ANSWER, NO_CLASS]
    assert outcomes(given, np.zeros(3, int)).tolist() == [RIGHT, None, REJECTED]


def test_right_wrong_rejected_and_no_outcome_are_all_images():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1000, 6, generator=generator)
    logits[torch.rand(1000, generator=generator) < 0.1, 3] = torch.nan
    labels = torch.randint(4, (1000,), generator=generator).numpy()
    found = outcomes(predictions(logits, 4).numpy(), labels)
    counts = {outcome: (found == outcome).sum() for outcome in (RIGHT, WRONG, REJECTED, None)}
    assert sum(counts.values()) == 1000
    assert min(counts.values()) > 50
    best = logits.argmax(dim=1).numpy()
    finite = logits.isfinite().all(dim=1).numpy()
    assert counts[WRONG] == (finite & (best != labels) & (best < 4)).sum()
    assert counts[REJECTED] == (finite & (best >= 4)).sum()


def test_one_logit_z_is_the_answer_of_zero_and_z():
    z = torch.tensor([[-2.0], [0.5], [0.0]])
    assert widened(z).tolist() == [[0, -2], [0, 0.5], [0, 0]]
    assert predictions(widened(z), 2).tolist() == [0, 1, 0]
    assert widened(LOGITS) is LOGITS
    assert predictions(widened(torch.tensor([[np.inf]])), 2).tolist() == [NO_ANSWER]


def test_a_margin_is_against_the_other_classes_alone():
    assert margins(LOGITS, torch.tensor([0, 0, 0]), 2).tolist() == [2, -2, -1]
    assert margins(LOGITS, torch.tensor([0, 0, 0]), 3).tolist() == [2, -2, -4]


def test_a_rejection_is_neither_right_nor_wrong_in_tensors_and_arrays():
    answers, labels = [1, 2, NO_CLASS, NO_ANSWER], [1, 1, 1, 1]
    for kind in (torch.tensor, np.array):
        given = kind(answers), kind(labels)
        assert is_right(*given).tolist() == [True, False, False, False]
        assert is_wrong(*given).tolist() == [False, True, False, False]
        assert is_rejected(given[0]).tolist() == [False, False, True, False]
