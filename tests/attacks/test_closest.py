import copy

import numpy as np
import pytest
import torch

from blindspots.attacks import closest, lbfgs
from blindspots.interface import Status
from tests.nets import rejecting
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
    start = lbfgs(sigmoid_net, images, labels, targets, max_searches=3, max_iterations=5)
    found = closest(sigmoid_net, images, labels, targets, start_searches=3, start_iterations=5)
    assert found.success.all()
    assert (found.l2 <= start.l2)[start.success].all()
    assert found.l2.mean() < lbfgs(sigmoid_net, images, labels, targets).l2.mean()
    accepted = sigmoid_net(found.images).argmax(dim=1)
    assert (accepted == targets).all() if aimed else (accepted != labels).all()


def test_without_rounds_it_is_its_start(sigmoid_net, digits, wrong_targets):
    arguments = digits[0][:10], digits[1][:10], wrong_targets[:10]
    start = lbfgs(sigmoid_net, *arguments, max_searches=6, max_iterations=15)
    assert start.success.all()
    found = closest(sigmoid_net, *arguments, rounds=0, start_searches=6, start_iterations=15)
    assert torch.equal(found.images, start.images)
    assert torch.equal(found.forwards, start.forwards)


def test_where_the_short_penalty_run_finds_nothing_a_full_one_does(
    sigmoid_net, digits, wrong_targets
):
    arguments = digits[0][:40], digits[1][:40], wrong_targets[:40]
    short = lbfgs(sigmoid_net, *arguments, max_searches=1, max_iterations=2)
    assert not short.success.all()
    assert closest(sigmoid_net, *arguments, start_searches=1, start_iterations=2).success.all()


def test_a_rejected_answer_is_no_wrong_class(digits):
    images, labels = digits[0][:N], digits[1][:N]
    torch.manual_seed(0)
    model = rejecting((1, 8, 8), 10).eval()
    found = closest(model, images, labels, classes=10)
    answers = model(found.images[found.success]).argmax(dim=1)
    assert found.success.sum() > N / 2
    assert ((answers != labels[found.success]) & (answers < 10)).all()
