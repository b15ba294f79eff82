import numpy as np
import pytest
import torch
from torch import nn

from blindspots.attacks import lbfgs
from blindspots.certificates.lipschitz import lipschitz
from blindspots.interface import InputError


def test_a_radius_is_below_every_perturbation_that_the_attack_finds(sigmoid_net, digits):
    images, labels = digits[0][:80], digits[1][:80]
    radius = lipschitz(sigmoid_net, images, labels).radius
    found = lbfgs(sigmoid_net, images, labels)
    assert (radius <= found.l2).all()
    assert radius.median() > 0


def test_for_two_classes_of_a_linear_net_with_opposite_weights_it_is_the_exact_distance():
    weight = torch.randn(1, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    layer = nn.Linear(12, 2, dtype=torch.float64)
    layer.weight.data, layer.bias.data = torch.cat([weight, -weight]), torch.zeros(2).double()
    images = torch.rand(5, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = layer(images).argmax(dim=1)
    # the norm of [w; −w] is √2 ‖w‖, so margin / (√2 L) is |w·x| / ‖w‖
    exact = (images @ weight[0]).abs() / weight.norm()
    radius = lipschitz(nn.Sequential(layer), images, labels).radius
    assert torch.allclose(radius, exact, rtol=1e-9)
    assert (radius <= exact).all()


def test_closer_bounds_of_the_network_certify_more(sigmoid_net, digits):
    images, labels = digits[0][:50], digits[1][:50]
    product, eclipse, sdp = (
        lipschitz(sigmoid_net, images, labels, bound=b).radius
        for b in ("product", "eclipse", "lipsdp")
    )
    assert (product <= eclipse).all() and (eclipse <= sdp).all()
    assert sdp.median() > 1.2 * product.median()
    assert (sdp <= lbfgs(sigmoid_net, images, labels).l2).all()


def test_for_a_linear_net_it_is_the_exact_distance_to_the_nearest_other_class(softmax_net, digits):
    images, labels = digits[0][:50].double(), digits[1][:50]
    weight = softmax_net[1].weight.detach().double()
    logits = images.flatten(1) @ weight.T + softmax_net[1].bias.detach().double()
    margins = logits.gather(1, labels[:, None]) - logits
    distances = margins / (weight[labels][:, None] - weight).norm(dim=2)
    exact = distances.masked_fill(distances.isnan(), torch.inf).amin(dim=1).clamp_min(0)
    radius = lipschitz(softmax_net, images, labels).radius
    assert torch.allclose(radius, exact, rtol=1e-6)
    assert (radius <= exact).all()


def test_an_image_that_is_wrong_has_radius_0(sigmoid_net, digits):
    wrong = (sigmoid_net(digits[0][:10]).argmax(dim=1) + 1) % 10
    assert (lipschitz(sigmoid_net, digits[0][:10], wrong).radius == 0).all()


def test_no_random_step_within_the_radius_changes_the_answer(sigmoid_net, digits):
    images, labels = digits[0][:50], digits[1][:50]
    radius = lipschitz(sigmoid_net, images, labels).radius
    at = radius > 0
    rng = np.random.default_rng(0)
    for _ in range(20):
        step = torch.from_numpy(rng.standard_normal((50, 64)))
        step *= (radius / step.norm(dim=1))[:, None] * (1 - 1e-6)
        moved = images + step.view(50, 1, 8, 8).float()
        assert torch.equal(sigmoid_net(moved).argmax(dim=1)[at], labels[at])


def test_a_layer_without_a_known_bound_is_named(digits):
    model = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(64, 10), nn.Mish()))
    with pytest.raises(InputError, match=r"layer '1\.1' \(Mish\): expected a layer with a known"):
        lipschitz(model, *(t[:2] for t in digits))


def test_leaves_the_model_in_its_precision(sigmoid_net, digits):
    lipschitz(sigmoid_net, digits[0][:2], digits[1][:2])
    assert sigmoid_net[1].weight.dtype == torch.float32
