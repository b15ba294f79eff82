import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from blindspots.attacks import closest, lbfgs
from blindspots.attacks._penalised import Penalised
from blindspots.interface import Box, InputError, Status
from blindspots.optim.batch import Batch
from blindspots.threat.goals import cross_entropy
from tests.oracles import smallest_linear_perturbation


def linear_model(weight, bias=None):
    layer = nn.Linear(weight.shape[1], len(weight), dtype=weight.dtype)
    layer.weight.data = weight
    layer.bias.data = torch.zeros(len(weight), dtype=weight.dtype) if bias is None else bias
    return nn.Sequential(nn.Flatten(), layer)


def test_no_perturbation_is_smaller_than_the_exact_minimum_and_the_mean_is_within_5_percent(
    softmax_net, digits, wrong_targets
):
    images, labels = digits[0][:40], digits[1][:40]
    found = lbfgs(softmax_net, images, labels, wrong_targets[:40])
    layer = softmax_net[1]
    weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    exact = np.array(
        [
            smallest_linear_perturbation(weight, bias, x.double().numpy().ravel(), t)
            for x, t in zip(images, wrong_targets[:40].tolist(), strict=True)
        ]
    )
    assert found.success.all()
    assert (found.l2.numpy() >= exact * (1 - 1e-6)).all()
    assert np.mean(found.l2.numpy() / exact) < 1.05


def test_between_two_classes_it_finds_the_distance_to_the_hyperplane():
    rng = np.random.default_rng(0)
    weight = torch.from_numpy(rng.standard_normal((2, 20)))
    images = torch.from_numpy(rng.uniform(-1, 1, (10, 20)))
    model = linear_model(weight)
    labels = model(images).argmax(dim=1)
    found = lbfgs(
        model, images, labels, 1 - labels, box=Box(-100.0, 100.0), penalty_precision=1.001
    )
    normal = weight[0] - weight[1]
    distance = (images @ normal).abs() / normal.norm()
    assert torch.allclose(found.l2, distance, rtol=2e-3)


def test_at_one_penalty_it_reaches_scipys_minimum_of_the_same_objective(
    sigmoid_net, digits, wrong_targets
):
    model = _double(sigmoid_net)
    images, labels, targets = digits[0][:5].double(), digits[1][:5], wrong_targets[:5]
    goal = Penalised(model, images, labels, targets, None, cross_entropy)
    batch = Batch(goal.evaluate, goal.originals, 0.0, 1.0, history=5)
    batch.weight[:] = 0.5
    for _ in range(200):
        batch.step()
    value = batch.value + 0.5 * batch.distance
    for i in range(5):

        def objective(x, i=i):
            x = torch.from_numpy(x).view(1, 1, 8, 8).requires_grad_()
            loss = nn.functional.cross_entropy(model(x), targets[i : i + 1])
            value = loss + 0.5 * (x - images[i]).square().sum()
            value.backward()
            return value.item(), x.grad.numpy().ravel()

        expected = minimize(
            objective,
            images[i].numpy().ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, 1)] * 64,
            options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000},
        )
        assert value[i].item() == pytest.approx(expected.fun, rel=1e-5)


def _double(model):
    import copy

    return copy.deepcopy(model).double()


def test_every_success_is_one_in_other_batches_too(sigmoid_net, digits, wrong_targets):
    images, labels, targets = digits[0][:100], digits[1][:100], wrong_targets[:100]
    found = lbfgs(sigmoid_net, images, labels, targets)
    assert found.success.all()
    for size in (1, 7, 100):
        answers = torch.cat([sigmoid_net(x) for x in found.images.split(size)]).argmax(dim=1)
        assert torch.equal(answers, targets)


def test_any_wrong_class_is_nearer_on_average_than_a_random_one(sigmoid_net, digits, wrong_targets):
    images, labels = digits[0][:60], digits[1][:60]
    free = lbfgs(sigmoid_net, images, labels)
    aimed = lbfgs(sigmoid_net, images, labels, wrong_targets[:60])
    assert (sigmoid_net(free.images).argmax(dim=1) != labels).all()
    assert free.l2.mean() < aimed.l2.mean()


def test_an_image_that_is_wrong_already_is_not_moved(sigmoid_net, digits):
    images = digits[0][:20]
    labels = (sigmoid_net(images).argmax(dim=1) + 1) % 10
    found = lbfgs(sigmoid_net, images, labels)
    assert torch.equal(found.images, images)
    assert (found.distortion == 0).all()


def test_a_target_out_of_reach_is_a_status_and_leaves_the_image_alone():
    weight = torch.tensor([[0.0] * 4, [0.2] * 4])  # 0.8 at most in the box
    model = linear_model(weight, torch.tensor([1.0, 0.0]))
    images = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    found = lbfgs(
        model, images, torch.zeros(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64)
    )
    assert (found.status == Status.NO_SUCCESS).all()
    assert not found.success.any()
    assert torch.equal(found.images, images)


def test_an_image_does_not_depend_on_the_others_in_its_batch(sigmoid_net, digits, wrong_targets):
    model, images = _double(sigmoid_net), digits[0][:24].double()
    labels, targets = digits[1][:24], wrong_targets[:24]
    together = lbfgs(model, images, labels, targets)
    batches = [slice(i, i + 8) for i in range(0, 24, 8)]
    apart = [lbfgs(model, images[at], labels[at], targets[at]).distortion for at in batches]
    assert torch.allclose(together.distortion, torch.cat(apart), rtol=1e-10, atol=0)


def test_the_second_run_gives_the_same_bytes(sigmoid_net, digits, wrong_targets):
    first, second = (
        lbfgs(sigmoid_net, digits[0][:30], digits[1][:30], wrong_targets[:30]) for _ in range(2)
    )
    assert torch.equal(first.images, second.images)


def test_more_logits_than_classes_are_no_targets(digits):
    images, labels = digits[0][:10], digits[1][:10]
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(11, 64, generator=generator)
    model = linear_model(weight, torch.zeros(11))
    found = lbfgs(model, images, labels, classes=10)
    assert found.success.sum() > 5
    answers = model(found.images[found.success]).argmax(dim=1)
    assert ((answers != labels[found.success]) & (answers < 10)).all()


READINGS = [
    {"distance": "l2"},
    {"loss": "hinge"},
    {"search": "grid"},
    {"distance": "l2", "search": "grid"},
    {"distance": "l2", "search": "grid", "grid_ratio": 1.25, "grid_from": "above"},
    {"distance": "l2", "search": "grid", "grid_ratio": 1.25, "grid_from": "below"},
]


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_every_reading_reaches_its_targets(sigmoid_net, digits, wrong_targets, reading):
    images, labels, targets = digits[0][:60], digits[1][:60], wrong_targets[:60]
    found = lbfgs(sigmoid_net, images, labels, targets, **reading)
    missed = (~found.success).sum()
    assert missed <= (3 if "loss" in reading else 0)  # the hinge is not smooth: a search may jam
    answers = sigmoid_net(found.images).argmax(dim=1)
    assert (answers == targets)[found.success].all()


def test_a_hinge_is_an_exact_penalty_where_cross_entropy_is_none(
    softmax_net, digits, wrong_targets
):
    images, labels, targets = digits[0][:60], digits[1][:60], wrong_targets[:60]
    excess = {}
    exact = closest(softmax_net, images, labels, targets).l2
    for loss in ("cross_entropy", "hinge"):
        found = lbfgs(softmax_net, images, labels, targets, loss=loss)
        excess[loss] = (found.l2 / exact - 1).mean().item()
    assert excess["hinge"] < 0.01
    assert excess["hinge"] < excess["cross_entropy"] / 2


def test_both_readings_of_the_distance_have_the_same_smallest_success(
    softmax_net, digits, wrong_targets
):
    # ∇loss + c r/‖r‖ = 0 is ∇loss + 2w r = 0 with w = c/(2‖r‖): where the loss is convex, the
    # minimisers of either reading, over all c, are those of the other.
    arguments = digits[0][:60], digits[1][:60], wrong_targets[:60]
    squared, plain = (
        lbfgs(softmax_net, *arguments, distance=distance, penalty_precision=1.001).l2
        for distance in ("l2_squared", "l2")
    )
    assert torch.allclose(squared, plain, rtol=5e-2)
    assert plain.mean().item() == pytest.approx(squared.mean().item(), rel=3e-3)


def test_a_grid_of_ten_gives_a_minimiser_at_a_power_of_ten_no_nearer_than_the_bisected(
    sigmoid_net, digits, wrong_targets
):
    arguments = digits[0][:60], digits[1][:60], wrong_targets[:60]
    coarse = lbfgs(sigmoid_net, *arguments, search="grid", max_iterations=50)
    power = coarse.penalty[coarse.distortion > 0].log10()
    assert torch.allclose(power, power.round(), atol=1e-5)
    fine = lbfgs(sigmoid_net, *arguments)
    assert (coarse.l2 >= 0.98 * fine.l2).all()
    assert coarse.l2.mean() > 1.02 * fine.l2.mean()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"loss": "hing"}, "loss: expected one of cross_entropy, hinge, found 'hing'; did you"),
        ({"distance": "linf"}, "distance: expected one of l2_squared, l2, found 'linf'"),
        ({"search": "first_success"}, "search: expected one of bisect, grid, found 'first_succ"),
    ],
)
def test_names_the_readings_there_are(sigmoid_net, digits, setting, message):
    with pytest.raises(InputError, match=message):
        lbfgs(sigmoid_net, digits[0][:2], digits[1][:2], **setting)


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize("aimed", [True, False])
def test_the_scale_of_the_logits_decides_neither_success_nor_distance(
    softmax_net, digits, wrong_targets, loss, aimed
):
    images, labels = digits[0][:30], softmax_net(digits[0][:30]).argmax(dim=1)
    targets = (labels + wrong_targets[:30] - digits[1][:30]) % 10 if aimed else None
    exact = closest(softmax_net, images, labels, targets).l2
    for power in (-9, -6, -3, 3, 6, 9):

        def model(x, power=power):
            return 10.0**power * softmax_net(x)

        found = lbfgs(model, images, labels, targets, loss=loss)
        assert found.success.all()
        assert (found.l2 / exact).mean() < 1.05


def test_logits_on_the_scale_of_a_trained_softmax_are_taken_as_they_are(softmax_net, digits):
    goal = Penalised(softmax_net, *(part[:100] for part in digits), None, None, cross_entropy)
    rows = torch.arange(100)
    value, _ = goal.evaluate(goal.originals, rows)
    expected, _ = cross_entropy(softmax_net(digits[0][:100]).detach().double(), goal.accepted)
    assert torch.equal(value, expected.float())
