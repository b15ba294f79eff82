import numpy as np
import pytest
import torch

from blindspots.interface import InputError
from blindspots.threat.targets import RULES, choose_targets

N = 2000
rng = np.random.default_rng(0)
LOGITS = torch.from_numpy(rng.standard_normal((N, 10)))
LABELS = torch.from_numpy(rng.integers(0, 10, N))


def choose(rule, n=N, seed=0, rows=None):
    rows = range(n) if rows is None else rows
    return choose_targets(rule, LOGITS[:n], LABELS[:n], 10, seed=seed, rows=rows)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "any"])
def test_a_target_is_neither_the_label_nor_the_answer(rule):
    targets = choose(rule)
    assert not ((targets == LABELS) | (targets == LOGITS.argmax(dim=1))).any()
    assert ((targets >= 0) & (targets < 10)).all()


def test_random_targets_are_uniform_over_what_is_left():
    apart = (LOGITS.argmax(dim=1) - LABELS) % 10
    at = apart != 0
    offsets = (choose("random") - LABELS)[at] % 10
    counts = np.bincount(offsets.numpy(), minlength=10)
    assert counts[0] == 0
    assert counts[1:].min() > 0.7 * counts[1:].mean()


def test_a_random_target_depends_on_the_seed_and_the_image_alone():
    whole = choose("random")
    assert torch.equal(whole[:50], choose("random", n=50))
    assert not torch.equal(whole, choose("random", seed=1))
    assert not torch.equal(whole, choose("random", rows=range(1, N + 1)))


def test_rules_by_logits():
    masked = LOGITS.clone()
    masked[torch.arange(N), LABELS] = -torch.inf
    masked[torch.arange(N), LOGITS.argmax(dim=1)] = -torch.inf
    assert torch.equal(choose("second_best"), masked.argmax(dim=1))
    masked[masked == -torch.inf] = torch.inf
    assert torch.equal(choose("least_likely"), masked.argmin(dim=1))


def test_next_is_the_class_after_the_label_unless_that_is_the_answer():
    targets, answers = choose("next"), LOGITS.argmax(dim=1)
    following = (LABELS + 1) % 10
    free = answers != following
    assert torch.equal(targets[free], following[free])
    assert torch.equal(targets[~free], ((LABELS + 2) % 10)[~free])


def test_any_wrong_class_has_no_target_and_two_classes_leave_none():
    assert choose("any") is None
    with pytest.raises(InputError, match="at least 3 classes"):
        choose_targets("random", LOGITS[:, :2], LABELS % 2, 2, seed=0, rows=range(N))


def test_a_class_is_the_target_of_all_images_that_have_another_label_and_answer():
    targets = choose(3)
    free = (LABELS != 3) & (LOGITS.argmax(dim=1) != 3)
    assert (targets[free] == 3).all()
    answers = LOGITS.argmax(dim=1)
    next_one = torch.where((LABELS == 4) | (answers == 4), 5, 4)
    assert (targets[~free & (LABELS != 5) & (answers != 5)] <= 5).all()
    assert torch.equal(
        targets[~free & (next_one == 4)], torch.full((int((~free & (next_one == 4)).sum()),), 4)
    )


def test_a_class_that_is_none_is_refused():
    with pytest.raises(InputError, match="target: expected a class from 0 to 9, found 10"):
        choose(10)
