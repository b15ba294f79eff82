import copy

import numpy as np
import pytest
import torch

from blindspots.attacks import closest, lbfgs
from blindspots.interface import Status
from tests.nets import points_in_the_square, rejecting, relu_net
from tests.oracles import smallest_linear_perturbation

N = 40


def exact_distances(net, images, targets):
    layer = net[1]
    weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    return np.array(
        [
            smallest_linear_perturbation(weight, bias, x.double().numpy().ravel(), t)
            for x, t in zip(images, targets, strict=True)
        ]
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_a_linear_model_it_is_exact_to_a_hundredth_of_a_percent(
    softmax_net, digits, wrong_targets, dtype
):
    model, images = copy.deepcopy(softmax_net).to(dtype), digits[0][:N].to(dtype)
    found = closest(model, images, digits[1][:N], wrong_targets[:N])
    exact = exact_distances(softmax_net, images, wrong_targets[:N].tolist())
    assert found.success.all()
    assert (found.status == Status.CONVERGED).all()
    assert (found.l2.numpy() >= exact * (1 - 1e-6)).all()
    # Its margin of success costs a little: more than 1e-4 of a tiny distance.
    assert (found.l2.numpy() <= exact * (1 + 1e-5) + 3e-5).all()


def test_on_a_linear_model_any_wrong_class_is_the_nearest_of_all(softmax_net, digits):
    images, labels = digits[0][:N], digits[1][:N]
    found = closest(softmax_net, images, labels)
    every = [
        exact_distances(softmax_net, images, [int((y + k) % 10) for y in labels])
        for k in range(1, 10)
    ]
    right = softmax_net(images).argmax(dim=1) == labels
    exact = np.min(every, axis=0) * right.numpy()
    assert np.allclose(found.l2.numpy(), exact, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("aimed", [True, False])
def test_it_is_never_farther_than_its_start_and_nearer_than_a_long_penalty_run(
    sigmoid_net, digits, wrong_targets, aimed
):
    images, labels = digits[0][:100], digits[1][:100]
    targets = wrong_targets[:100] if aimed else None
    start = closest(sigmoid_net, images, labels, targets, rounds=0)
    found = closest(sigmoid_net, images, labels, targets)
    assert found.success.all()
    assert (found.l2 <= start.l2)[start.success].all()
    assert found.l2.mean() < lbfgs(sigmoid_net, images, labels, targets).l2.mean()
    accepted = sigmoid_net(found.images).argmax(dim=1)
    assert (accepted == targets).all() if aimed else (accepted != labels).all()


def test_its_start_takes_as_many_gradients_as_asked_for(sigmoid_net, digits, wrong_targets):
    arguments = digits[0][:10], digits[1][:10], wrong_targets[:10]
    start = closest(sigmoid_net, *arguments, steps=30, rounds=0)
    assert start.success.all()
    assert (start.forwards == 30).all()
    assert (start.backwards == 30).all()


def folded(x):
    """Logits whose margin, over the mean pixel, rises to a hump below 0, falls, and rises above."""
    z = x.flatten(1).mean(dim=1)
    margin = 4 * z - 1 - 12 * (z - 0.1).relu() + 12 * (z - 0.15).relu()
    return torch.stack([-margin, margin], dim=1)


def test_it_crosses_a_fold_narrower_than_its_steps():
    images = torch.full((3, 1, 8, 8), 0.05)
    found = closest(folded, images, torch.zeros(3, dtype=torch.int64))
    # 4 z − 1.6 = 0 at the mean 0.4, each pixel by 0.35; and the margin of success.
    assert found.success.all()
    assert torch.allclose(found.l2, torch.full((3,), 0.35 * 8, dtype=found.l2.dtype), rtol=1e-4)


def test_a_rejected_answer_is_no_wrong_class(digits):
    images, labels = digits[0][:N], digits[1][:N]
    torch.manual_seed(0)
    model = rejecting((1, 8, 8), 10).eval()
    found = closest(model, images, labels, classes=10)
    answers = model(found.images[found.success]).argmax(dim=1)
    assert found.success.sum() > N / 2
    assert ((answers != labels[found.success]) & (answers < 10)).all()


def test_restarts_leave_local_minima_and_do_not_depend_on_the_batch():
    model, images = relu_net([6, 6], 2), points_in_the_square(100)
    labels = model(images).argmax(dim=1)
    once = closest(model, images, labels)
    again = closest(model, images, labels, restarts=10)
    assert (again.l2 <= once.l2)[once.success].all()
    assert (again.l2 < 0.9 * once.l2).sum() >= 3
    assert again.success.sum() >= once.success.sum() + 5
    some = closest(model, images[50:60], labels[50:60], restarts=10, rows=range(50, 60))
    assert torch.allclose(some.l2, again.l2[50:60], rtol=1e-9)
