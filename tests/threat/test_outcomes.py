import numpy as np
import pandas as pd
import torch

from blindspots.threat.outcomes import (
    REJECTED,
    is_rejected,
    is_right,
    is_wrong,
    margins,
    predictions,
)

LOGITS = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [1.0, 2.0, 5.0]])  # two classes


def test_an_answer_beyond_the_classes_is_rejected():
    assert predictions(LOGITS, 2).tolist() == [0, 1, REJECTED]
    assert predictions(LOGITS, 3).tolist() == [0, 1, 2]


def test_a_margin_is_against_the_other_classes_alone():
    assert margins(LOGITS, torch.tensor([0, 0, 0]), 2).tolist() == [2, -2, -1]
    assert margins(LOGITS, torch.tensor([0, 0, 0]), 3).tolist() == [2, -2, -4]


def test_a_rejection_is_neither_right_nor_wrong_in_tensors_arrays_and_frames():
    answers, labels = [1, 2, REJECTED], [1, 1, 1]
    for kind in (torch.tensor, np.array, pd.Series):
        given = kind(answers), kind(labels)
        assert is_right(*given).tolist() == [True, False, False]
        assert is_wrong(*given).tolist() == [False, True, False]
        assert is_rejected(given[0]).tolist() == [False, False, True]


def test_no_answer_is_not_judged():
    found = is_wrong(pd.Series([2, None], dtype="Int16"), pd.Series([1, 1], dtype="Int16"))
    assert found[0] and found.isna()[1]
