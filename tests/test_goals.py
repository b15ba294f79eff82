import torch
from torch.nn import functional as nnf

from blindspots import goals

LOGITS = torch.tensor([[3.0, 1.0, 2.0, 9.0], [0.0, 4.0, -1.0, -2.0]])
LABELS = torch.tensor([0, 1])


def test_a_target_accepts_itself_and_any_wrong_class_all_classes_but_the_label():
    aimed = goals.accepted_answers(LABELS, torch.tensor([2, 0]), 4, 3)
    assert aimed.nonzero().tolist() == [[0, 2], [1, 0]]
    free = goals.accepted_answers(LABELS, None, 4, 3)
    assert free.nonzero().tolist() == [[0, 1], [0, 2], [1, 0], [1, 2]]


def test_the_margin_is_relative_and_counts_answers_beyond_the_classes_as_others():
    free = goals.accepted_answers(LABELS, None, 4, 3)
    expected = torch.tensor([(2.0 - 9.0) / 9.0, (0.0 - 4.0) / 4.0])
    assert torch.allclose(goals.relative_margin(LOGITS, free), expected)
    assert torch.allclose(goals.relative_margin(1000 * LOGITS, free), expected)


def test_the_loss_of_one_accepted_class_is_the_usual_cross_entropy():
    targets = torch.tensor([2, 0])
    aimed = goals.accepted_answers(LABELS, targets, 4, 3)
    usual = nnf.cross_entropy(LOGITS, targets, reduction="none")
    assert torch.allclose(goals.cross_entropy(LOGITS, aimed), usual)


def test_the_loss_of_any_wrong_class_is_minus_the_log_of_their_probability():
    free = goals.accepted_answers(LABELS, None, 4, 3)
    probability = (LOGITS.softmax(dim=1) * free).sum(dim=1)
    assert torch.allclose(goals.cross_entropy(LOGITS, free), -probability.log(), atol=1e-6)
