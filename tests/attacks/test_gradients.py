"""Models whose gradient is 0, infinite or NaN: the image gets a status; no error is raised."""

import pytest
import torch
from torch import nn

from blindspots.attacks import closest, lbfgs
from blindspots.interface import InputError, Status

attacks = pytest.mark.parametrize("attack", [closest, lbfgs], ids=lambda attack: attack.__name__)
N = 12


class Behind(nn.Module):
    """A network behind a function of the pixels."""

    def __init__(self, function, net):
        super().__init__()
        self.function, self.net = function, net

    def forward(self, x):
        return self.net(self.function(x))


def names(found):
    return [Status(status).name for status in found.status.tolist()]


MASKS = {
    "rounded": lambda x: (255 * x).round() / 255,
    "detached": lambda x: x.detach() + 0 * x,
    "signs": lambda x: (x - 0.5).sign(),
}


@attacks
@pytest.mark.parametrize("mask", MASKS)
def test_a_gradient_of_0_is_a_status_and_no_robustness(attack, sigmoid_net, digits, mask):
    model = Behind(MASKS[mask], sigmoid_net)
    images = digits[0][:N]
    labels = model(images).argmax(dim=1)
    labels[3] = (labels[3] + 1) % 10
    found = attack(model, images, labels)
    expected = ["GRADIENT_VANISHED"] * N
    expected[3] = "CONVERGED"  # wrong as it is
    assert names(found) == expected
    assert found.success.nonzero().flatten().tolist() == [3]
    assert torch.equal(found.images, images)


@attacks
def test_what_nothing_reaches_has_another_status_than_what_has_no_gradient(attack):
    layer = nn.Linear(4, 2)
    layer.weight.data, layer.bias.data = (
        torch.tensor([[0.0] * 4, [0.2] * 4]),
        torch.tensor([1.0, 0]),
    )
    found = attack(layer, torch.rand(3, 4), torch.zeros(3, dtype=torch.int64))
    assert names(found) == ["NO_SUCCESS"] * 3


def test_a_search_that_runs_into_a_gradient_of_0_stays_there():
    shown = []

    def model(x):  # rises up to 0.7 in every pixel, and is flat beyond
        shown.append(x.detach())
        rise = x.clamp_max(0.7).sum(dim=1) - 3
        return torch.stack([torch.zeros_like(rise), rise], dim=1)

    found = closest(model, torch.full((5, 4), 0.5), torch.zeros(5, dtype=torch.int64))
    assert names(found) == ["GRADIENT_VANISHED"] * 5
    assert all(x.isfinite().all() for x in shown)
    assert sum(bool((x >= 0.7).all()) for x in shown[5:]) > 50


SLOPES = {
    "root": lambda x: x.sqrt(),
    "gamma": lambda x: x**0.45,
    "no number": lambda x: torch.where(x > 0, x.sqrt(), torch.zeros_like(x)),
}


@attacks
@pytest.mark.parametrize("slope", SLOPES)
def test_a_gradient_that_is_not_finite_is_a_status_of_its_image_alone(attack, digits, slope):
    torch.manual_seed(0)
    model = Behind(SLOPES[slope], nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
    images = 0.5 + 0.4 * digits[0][:N]
    images[4, 0, 0] = 0  # black pixels, where these are infinitely steep
    images[7, 0, 0] = 0
    labels = model(images).argmax(dim=1)
    labels[7] = (labels[7] + 1) % 10
    found = attack(model, images, labels)
    assert names(found)[4] == "NON_FINITE"
    assert torch.equal(found.images[4], images[4])
    assert names(found)[7] == "CONVERGED"  # wrong unaltered, which needs no gradient
    assert found.success.nonzero().flatten().tolist() == [i for i in range(N) if i != 4]
    others = torch.arange(N) != 4
    alone = attack(model, images[others], labels[others])
    assert torch.allclose(found.l2[others], alone.l2, rtol=1e-4)


@attacks
def test_logits_that_are_not_finite_are_the_models_fault_and_named_so(attack, sigmoid_net, digits):
    images = digits[0][:N].clone()
    images[4] = 1

    def model(x):
        return sigmoid_net(x) / (x.mean(dim=(1, 2, 3)) != 1)[:, None]

    with pytest.raises(InputError, match=r"expected finite logits, found others at images\[4\]"):
        attack(model, images, digits[1][:N])


@pytest.mark.parametrize("rounds", [0, 5])
def test_a_success_that_only_random_points_met_has_not_converged(sigmoid_net, digits, rounds):
    model = Behind(MASKS["rounded"], sigmoid_net)
    images = digits[0][:N]
    labels = model(images).argmax(dim=1)
    found = closest(model, images, labels, restarts=4, rounds=rounds)
    assert found.success.sum() > N / 2
    expected = "GRADIENT_VANISHED" if rounds else "ITERATION_LIMIT"
    assert set(names(found)) <= {expected, "GRADIENT_VANISHED"}
    assert all(names(found)[i] == expected for i in found.success.nonzero().flatten())


def test_a_nearer_success_from_a_random_point_brings_the_status_of_its_own_search():
    def model(x):  # wrong from 0.9 on; also below 0.45, where no slope leads
        wrong = torch.where(x[:, 0] < 0.45, 0.25, x[:, 0] - 0.9)
        return torch.stack([torch.zeros_like(wrong), wrong], dim=1)

    images, labels = torch.full((20, 1), 0.6), torch.zeros(20, dtype=torch.int64)
    once = closest(model, images, labels)
    assert names(once) == ["CONVERGED"] * 20
    assert torch.allclose(once.l2, torch.full_like(once.l2, 0.3), rtol=1e-3)
    again = closest(model, images, labels, restarts=1)
    nearer = again.l2 < 0.2
    assert nearer.sum() >= 4
    assert torch.allclose(again.l2[nearer], torch.full_like(again.l2[nearer], 0.15), rtol=1e-2)
    expected = ["ITERATION_LIMIT" if better else "CONVERGED" for better in nearer]
    assert names(again) == expected


@attacks
def test_numbers_that_are_flushed_to_zero_change_nothing(attack):
    layer = nn.Linear(4, 3)  # one of the wrong classes is out of reach and has no gradient
    layer.weight.data = torch.tensor([[0.0] * 4, [0.0] * 4, [0.5] * 4])
    layer.bias.data = torch.tensor([1.0, 0.0, 0.0])
    images, labels = torch.full((20, 4), 0.25), torch.zeros(20, dtype=torch.int64)
    torch.set_flush_denormal(True)
    try:
        found = attack(layer, images, labels)
    finally:
        torch.set_flush_denormal(False)
    assert found.success.all()
    assert torch.equal(found.images, attack(layer, images, labels).images)
    assert torch.allclose(found.l2, torch.full_like(found.l2, 0.5), rtol=1e-2)
