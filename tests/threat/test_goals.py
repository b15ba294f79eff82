import pytest
import torch
from torch.nn import functional as nnf

from blindspots.threat import goals

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
    assert torch.allclose(goals.cross_entropy(LOGITS, aimed)[0], usual)


def test_the_loss_of_any_wrong_class_is_minus_the_log_of_their_probability():
    free = goals.accepted_answers(LABELS, None, 4, 3)
    probability = (LOGITS.softmax(dim=1) * free).sum(dim=1)
    assert torch.allclose(goals.cross_entropy(LOGITS, free)[0], -probability.log(), atol=1e-6)


@pytest.mark.parametrize("loss", goals.LOSSES.values())
@pytest.mark.parametrize("targets", [torch.tensor([2, 0]), None])
def test_the_gradient_of_a_loss_is_its_derivative(loss, targets):
    accepted = goals.accepted_answers(LABELS, targets, 4, 3)
    logits = LOGITS.double()
    _, gradient = loss(logits, accepted)
    for k in range(4):
        step = torch.zeros_like(logits)
        step[:, k] = 1e-6
        slope = (loss(logits + step, accepted)[0] - loss(logits - step, accepted)[0]) / 2e-6
        assert torch.allclose(gradient[:, k], slope, atol=1e-4)


def test_the_hinge_is_0_where_the_goal_is_met_and_the_missing_margin_elsewhere():
    accepted = goals.accepted_answers(LABELS, torch.tensor([3, 0]), 4, 4)
    value, _ = goals.hinge(LOGITS, accepted)
    assert value[0] == 0
    assert value[1].item() == pytest.approx(4.0, rel=1e-4)
