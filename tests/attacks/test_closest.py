import copy

import numpy as np
import pytest
import torch

from blindspots.attacks import _search, closest, lbfgs
from blindspots.interface import Status
from blindspots.optim.nearest import nearest
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
    # The success margin adds a little: more than 1e-4 of a tiny distance.
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


@pytest.mark.parametrize("attack", [closest, lbfgs])
@pytest.mark.parametrize("power", [-30, -20, 20, 30])
def test_no_scale_of_the_logits_hides_the_nearest_answer(softmax_net, digits, attack, power):
    images, labels = digits[0][:20], softmax_net(digits[0][:20]).argmax(dim=1)
    exact = closest(softmax_net, images, labels).l2
    found = attack(lambda x: 10.0**power * softmax_net(x), images, labels)
    assert found.success.all()
    assert (found.l2 / exact).mean() < (1.001 if attack is closest else 1.05)


def test_its_start_takes_as_many_gradients_as_asked_for(sigmoid_net, digits, wrong_targets):
    arguments = digits[0][:10], digits[1][:10], wrong_targets[:10]
    start = closest(sigmoid_net, *arguments, steps=30, rounds=0)
    assert start.success.all()
    assert (start.forwards == 30).all()
    assert (start.backwards == 30).all()


def folded(x):
    """Logits whose margin, over the mean pixel, has a hump below 0, then falls and rises again."""
    z = x.flatten(1).mean(dim=1)
    margin = 4 * z - 1 - 12 * (z - 0.1).relu() + 12 * (z - 0.15).relu()
    return torch.stack([-margin, margin], dim=1)


def test_it_crosses_a_fold_narrower_than_its_steps():
    images = torch.full((3, 1, 8, 8), 0.05)
    found = closest(folded, images, torch.zeros(3, dtype=torch.int64))
    # 4 z − 1.6 = 0 at the mean 0.4, each pixel by 0.35; and the success margin.
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


def two_ways_out(x):
    """Logits that are wrong if the first pixel is at least 0.9, or the second at least 0.7.

    Only the first pixel has a slope in the middle.
    """
    first, second = (x - torch.tensor([0.9, 0.7])).unbind(dim=1)
    margin = torch.maximum(first, 10 * second)
    return torch.stack([-margin, margin], dim=1)


def test_restarts_leave_local_minima_and_do_not_depend_on_the_batch():
    images, labels = torch.full((40, 2), 0.5), torch.zeros(40, dtype=torch.int64)
    once = closest(two_ways_out, images, labels)
    again = closest(two_ways_out, images, labels, restarts=8)
    nearer = again.l2 < 0.3
    exact = torch.where(nearer, 0.2, 0.4).double()
    assert torch.allclose(once.l2, torch.full_like(exact, 0.4), rtol=1e-4)
    assert torch.allclose(again.l2, exact, rtol=1e-3)
    assert nearer.sum() > 30
    assert (again.status == Status.CONVERGED)[~nearer].all()
    some = closest(two_ways_out, images[10:20], labels[10:20], restarts=8, rows=range(10, 20))
    assert torch.equal(some.images, again.images[10:20])


@pytest.fixture
def many_classes():
    """A linear model of 80 classes, and images in their box."""
    rng = np.random.default_rng(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 80))
    net[1].weight.data = torch.from_numpy(rng.standard_normal((80, 64))).float()
    net[1].bias.data = torch.from_numpy(rng.standard_normal(80)).float()
    images = torch.from_numpy(rng.uniform(size=(6, 1, 8, 8))).float()
    return net, images, net(images).argmax(dim=1)


def test_among_many_classes_any_wrong_one_is_the_nearest_of_all(many_classes):
    net, images, labels = many_classes
    every = [
        exact_distances(net, images, [int((y + k) % 80) for y in labels]) for k in range(1, 80)
    ]
    found = closest(net, images, labels)
    assert np.allclose(found.l2.numpy(), np.min(every, axis=0), rtol=1e-4, atol=3e-5)


def test_among_many_classes_one_is_reached_past_all_its_rivals(many_classes):
    net, images, labels = many_classes
    targets = (labels + 40) % 80
    found = closest(net, images, labels, targets)
    exact = exact_distances(net, images, targets.tolist())
    assert (net(found.images).argmax(dim=1) == targets).all()
    assert np.allclose(found.l2.numpy(), exact, rtol=1e-3, atol=3e-5)


@pytest.mark.parametrize("aimed", [True, False])
def test_more_than_sixteen_classes_hold_no_more_at_a_time(many_classes, monkeypatch, aimed):
    programs, images, labels = [], *many_classes[1:]

    def noted(centre, normals, *rest):
        programs.append(tuple(normals.shape))
        return nearest(centre, normals, *rest)

    monkeypatch.setattr(_search, "nearest", noted)
    shown, targets = [], (labels + 40) % 80 if aimed else None
    with many_classes[0].register_forward_pre_hook(lambda _, given: shown.append(len(given[0]))):
        closest(many_classes[0], images, labels, targets)
    assert max(n for n, _, _ in programs) == (6 if aimed else 6 * 16)
    assert max(k for _, k, _ in programs) <= (16 if aimed else 1) + _search.CUTS
    assert max(shown) == (32 if aimed else 6 * 16)
